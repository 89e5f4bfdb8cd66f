// SPDX-License-Identifier: Apache-2.0
// Data mover: one AXI4 master between memory and the streams of many accelerators.
//
//   read end r    m = bytes of memory from its job's address on, tlast with the last one
//   write end w   memory from its job's address on = bytes of s, one frame a job
//   setting end   m = the value pushed, one beat a push
//
// Jobs      hw/spec/registers.py: address (a multiple of WORD_BYTES), length in bytes (1 to 2^24).
//           Each end has a queue of QUEUE of them and takes them in order; ends work side by side
// Memory    bursts of BURST_BYTES where the length allows (mover_bursts.sv), several under way, all
//           of one ID, INCR, whole words. Read words are always taken; written ones always ready
// Faults    SLVERR, DECERR: told, and the job goes on. A frame that ends early stands its end
//           still; ABANDON lets the bursts under way end, then forgets jobs, words and faults
// Streams   packed, end 0 lowest. While o_rst is high beats are lost: it resets who is at the
//           other side of the streams too
// Rate      one byte a cycle an end, one word a cycle and direction at the memory port
// Latency   read: 14 cycles from the write of PUSH_READ to the first byte, with a memory that answers
//           in the next cycle; write: 8 cycles from a short frame's last byte to its first word
// Golden    mover.py
`default_nettype none
`include "checks.svh"

module mover #(
    // Ends that read memory, that write it, and of settings: 1 to 32 each
    parameter int unsigned READS = 4,
    parameter int unsigned WRITES = 4,
    parameter int unsigned SETTINGS = 1,
    // Jobs that wait for an end, a power of two from 2
    parameter int unsigned QUEUE = 4,
    // Bytes of a word of the memory port, of a burst, and of an end's FIFO
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned BURST_BYTES = 256,
    parameter int unsigned FIFO_BYTES = 512,
    // Bursts under way in each direction, at least 2
    parameter int unsigned OUTSTANDING = 8,
    // What DESIGN and GRAPHS read as
    parameter logic [31:0] DESIGN = '0,
    parameter logic [7:0] GRAPHS = '0,
    // Derived, do not set
    localparam int unsigned ADDRESS_BITS = 40,
    localparam int unsigned LENGTH_BITS = 24
) (
    input wire logic clk,
    input wire logic rst,

    // Registers, AXI4-Lite
    input  wire logic [registers::ADDRESS_BITS-1:0] s_axi_control_awaddr,
    input  wire logic                               s_axi_control_awvalid,
    output logic                                    s_axi_control_awready,
    input  wire logic [                       31:0] s_axi_control_wdata,
    input  wire logic [                        3:0] s_axi_control_wstrb,
    input  wire logic                               s_axi_control_wvalid,
    output logic                                    s_axi_control_wready,
    output logic      [                        1:0] s_axi_control_bresp,
    output logic                                    s_axi_control_bvalid,
    input  wire logic                               s_axi_control_bready,
    input  wire logic [registers::ADDRESS_BITS-1:0] s_axi_control_araddr,
    input  wire logic                               s_axi_control_arvalid,
    output logic                                    s_axi_control_arready,
    output logic      [                       31:0] s_axi_control_rdata,
    output logic      [                        1:0] s_axi_control_rresp,
    output logic                                    s_axi_control_rvalid,
    input  wire logic                               s_axi_control_rready,
    output logic                                    o_irq,
    output logic                                    o_rst,

    // Memory, AXI4
    output logic      [ADDRESS_BITS-1:0] m_axi_araddr,
    output logic      [             7:0] m_axi_arlen,
    output logic      [             2:0] m_axi_arsize,
    output logic      [             1:0] m_axi_arburst,
    output logic                         m_axi_arvalid,
    input  wire logic                    m_axi_arready,
    input  wire logic [WORD_BYTES*8-1:0] m_axi_rdata,
    input  wire logic [             1:0] m_axi_rresp,
    input  wire logic                    m_axi_rlast,
    input  wire logic                    m_axi_rvalid,
    output logic                         m_axi_rready,
    output logic      [ADDRESS_BITS-1:0] m_axi_awaddr,
    output logic      [             7:0] m_axi_awlen,
    output logic      [             2:0] m_axi_awsize,
    output logic      [             1:0] m_axi_awburst,
    output logic                         m_axi_awvalid,
    input  wire logic                    m_axi_awready,
    output logic      [WORD_BYTES*8-1:0] m_axi_wdata,
    output logic      [  WORD_BYTES-1:0] m_axi_wstrb,
    output logic                         m_axi_wlast,
    output logic                         m_axi_wvalid,
    input  wire logic                    m_axi_wready,
    input  wire logic [             1:0] m_axi_bresp,
    input  wire logic                    m_axi_bvalid,
    output logic                         m_axi_bready,

    // Accelerators, AXI4-Stream
    output logic      [   READS-1:0][ 7:0] m_axis_tdata,
    output logic      [   READS-1:0]       m_axis_tlast,
    output logic      [   READS-1:0]       m_axis_tvalid,
    input  wire logic [   READS-1:0]       m_axis_tready,
    input  wire logic [  WRITES-1:0][ 7:0] s_axis_tdata,
    input  wire logic [  WRITES-1:0]       s_axis_tlast,
    input  wire logic [  WRITES-1:0]       s_axis_tvalid,
    output logic      [  WRITES-1:0]       s_axis_tready,
    output logic      [SETTINGS-1:0][31:0] m_axis_setting_tdata,
    output logic      [SETTINGS-1:0]       m_axis_setting_tvalid,
    input  wire logic [SETTINGS-1:0]       m_axis_setting_tready
);
  `SPEC_CHECK(reads, READS >= 1 && READS <= 32, ("mover: READS = %0d: 1 to 32", READS))
  `SPEC_CHECK(writes, WRITES >= 1 && WRITES <= 32, ("mover: WRITES = %0d: 1 to 32", WRITES))
  `SPEC_CHECK(settings, SETTINGS >= 1 && SETTINGS <= 32,
              ("mover: SETTINGS = %0d: 1 to 32", SETTINGS))
  `SPEC_CHECK(fifo, FIFO_BYTES >= BURST_BYTES,
              ("mover: FIFO_BYTES = %0d: at least BURST_BYTES = %0d", FIFO_BYTES, BURST_BYTES))
  `SPEC_CHECK(whole, FIFO_BYTES % WORD_BYTES == 0,
              ("mover: FIFO_BYTES = %0d: whole words of %0d", FIFO_BYTES, WORD_BYTES))

  localparam int unsigned LANE_BITS = $clog2(WORD_BYTES);
  localparam int unsigned PLACE_BITS = ADDRESS_BITS - LANE_BITS;
  localparam int unsigned READ_BITS = READS > 1 ? $clog2(READS) : 1;
  localparam int unsigned WRITE_BITS = WRITES > 1 ? $clog2(WRITES) : 1;

  assign m_axi_arsize  = 3'(LANE_BITS);
  assign m_axi_awsize  = 3'(LANE_BITS);
  assign m_axi_arburst = 2'b01;
  assign m_axi_awburst = 2'b01;

  // ---- Registers, and the end of all work

  logic abandoning_q, push_read, push_write, push_setting, abandon, busy;
  logic faulty_reads, faulty_writes;
  logic [4:0] push_end;
  // verilator lint_off UNUSEDSIGNAL
  logic [4:0] read_end;  // has bits to spare
  // verilator lint_on UNUSEDSIGNAL
  logic [PLACE_BITS-1:0] job_place;
  logic [LENGTH_BITS-1:0] job_length;
  logic [31:0] setting, now;
  logic [READS-1:0] room_reads, refused_reads, pending_reads, clear_reads;
  logic [WRITES-1:0] room_writes, refused_writes, pending_writes, clear_writes;
  logic [SETTINGS-1:0] room_settings;
  logic [1:0][15:0] done_count;
  logic [1:0][4:0] end_faults;
  logic [1:0][31:0] begun_at, done_at, crc;
  logic [1:0][3:0] frames;

  mover_registers #(
      .READS(READS),
      .WRITES(WRITES),
      .SETTINGS(SETTINGS),
      .WORD_BYTES(WORD_BYTES),
      .ADDRESS_BITS(ADDRESS_BITS),
      .LENGTH_BITS(LENGTH_BITS),
      .DESIGN(DESIGN),
      .GRAPHS(GRAPHS)
  ) u_registers (
      .clk,
      .rst,
      .s_axi_awaddr(s_axi_control_awaddr),
      .s_axi_awvalid(s_axi_control_awvalid),
      .s_axi_awready(s_axi_control_awready),
      .s_axi_wdata(s_axi_control_wdata),
      .s_axi_wstrb(s_axi_control_wstrb),
      .s_axi_wvalid(s_axi_control_wvalid),
      .s_axi_wready(s_axi_control_wready),
      .s_axi_bresp(s_axi_control_bresp),
      .s_axi_bvalid(s_axi_control_bvalid),
      .s_axi_bready(s_axi_control_bready),
      .s_axi_araddr(s_axi_control_araddr),
      .s_axi_arvalid(s_axi_control_arvalid),
      .s_axi_arready(s_axi_control_arready),
      .s_axi_rdata(s_axi_control_rdata),
      .s_axi_rresp(s_axi_control_rresp),
      .s_axi_rvalid(s_axi_control_rvalid),
      .s_axi_rready(s_axi_control_rready),
      .o_push_read(push_read),
      .o_push_write(push_write),
      .o_push_setting(push_setting),
      .o_push_end(push_end),
      .o_place(job_place),
      .o_length(job_length),
      .o_setting(setting),
      .i_room_reads(room_reads),
      .i_room_writes(room_writes),
      .i_room_settings(room_settings),
      .o_refused_reads(refused_reads),
      .o_refused_writes(refused_writes),
      .o_abandon(abandon),
      .i_abandoning(abandoning_q),
      .i_busy(busy),
      .i_faulty(faulty_reads || faulty_writes),
      .o_now(now),
      .i_pending_reads(pending_reads),
      .i_pending_writes(pending_writes),
      .o_clear_reads(clear_reads),
      .o_clear_writes(clear_writes),
      .o_irq,
      .o_read_end(read_end),
      .i_done(done_count),
      .i_faults(end_faults),
      .i_begun_at(begun_at),
      .i_done_at(done_at),
      .i_crc(crc),
      .i_frames(frames)
  );

  logic still;
  logic [2:0] clearing_q;
  logic reads_idle, writes_idle;
  logic [ READS-1:0] busy_reads;
  logic [WRITES-1:0] busy_writes;

  assign still = reads_idle && writes_idle;
  assign busy  = |busy_reads || |busy_writes || !still;

  always_ff @(posedge clk) begin
    o_rst <= rst || clearing_q != '0;
    if (rst) begin
      abandoning_q <= 1'b0;
      clearing_q   <= '0;
    end else begin
      abandoning_q <= abandoning_q ? clearing_q != 3'd1 : abandon;
      if (abandoning_q && still && clearing_q == '0) clearing_q <= '1;
      else if (clearing_q != '0) clearing_q <= clearing_q - 3'd1;
    end
  end

  // ---- Ends

  mover_reads #(
      .ENDS(READS),
      .QUEUE(QUEUE),
      .WORD_BYTES(WORD_BYTES),
      .BURST_BYTES(BURST_BYTES),
      .FIFO_BYTES(FIFO_BYTES),
      .OUTSTANDING(OUTSTANDING),
      .ADDRESS_BITS(ADDRESS_BITS),
      .LENGTH_BITS(LENGTH_BITS)
  ) u_reads (
      .clk,
      .rst(o_rst),
      .i_push(push_read),
      .i_push_end(push_end[READ_BITS-1:0]),
      .i_place(job_place),
      .i_length(job_length),
      .i_refused(refused_reads),
      .o_room(room_reads),
      .o_busy(busy_reads),
      .i_hold(abandoning_q),
      .o_idle(reads_idle),
      .i_now(now),
      .i_clear(clear_reads),
      .o_pending(pending_reads),
      .o_faulty(faulty_reads),
      .i_read_end(read_end[READ_BITS-1:0]),
      .o_done(done_count[0]),
      .o_faults(end_faults[0]),
      .o_begun_at(begun_at[0]),
      .o_done_at(done_at[0]),
      .m_axi_araddr,
      .m_axi_arlen,
      .m_axi_arvalid,
      .m_axi_arready,
      .m_axi_rdata,
      .m_axi_rresp,
      .m_axi_rlast,
      .m_axi_rvalid,
      .m_axi_rready,
      .m_axis_tdata,
      .m_axis_tlast,
      .m_axis_tvalid,
      .m_axis_tready
  );

  mover_writes #(
      .ENDS(WRITES),
      .QUEUE(QUEUE),
      .WORD_BYTES(WORD_BYTES),
      .BURST_BYTES(BURST_BYTES),
      .FIFO_BYTES(FIFO_BYTES),
      .OUTSTANDING(OUTSTANDING),
      .ADDRESS_BITS(ADDRESS_BITS),
      .LENGTH_BITS(LENGTH_BITS)
  ) u_writes (
      .clk,
      .rst(o_rst),
      .i_push(push_write),
      .i_push_end(push_end[WRITE_BITS-1:0]),
      .i_place(job_place),
      .i_length(job_length),
      .i_refused(refused_writes),
      .o_room(room_writes),
      .o_busy(busy_writes),
      .i_hold(abandoning_q),
      .o_idle(writes_idle),
      .i_now(now),
      .i_clear(clear_writes),
      .o_pending(pending_writes),
      .o_faulty(faulty_writes),
      .i_read_end(read_end[WRITE_BITS-1:0]),
      .o_done(done_count[1]),
      .o_faults(end_faults[1]),
      .o_begun_at(begun_at[1]),
      .o_done_at(done_at[1]),
      .m_axi_awaddr,
      .m_axi_awlen,
      .m_axi_awvalid,
      .m_axi_awready,
      .m_axi_wdata,
      .m_axi_wstrb,
      .m_axi_wlast,
      .m_axi_wvalid,
      .m_axi_wready,
      .m_axi_bresp,
      .m_axi_bvalid,
      .m_axi_bready,
      .s_axis_tdata,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready
  );

  mover_crc #(
      .ENDS(READS)
  ) u_crc_reads (
      .clk,
      .rst(o_rst),
      .i_tdata(m_axis_tdata),
      .i_tlast(m_axis_tlast),
      .i_take(m_axis_tvalid & m_axis_tready),
      .i_read_end(read_end[READ_BITS-1:0]),
      .o_crc(crc[0]),
      .o_frames(frames[0])
  );

  mover_crc #(
      .ENDS(WRITES)
  ) u_crc_writes (
      .clk,
      .rst(o_rst),
      .i_tdata(s_axis_tdata),
      .i_tlast(s_axis_tlast),
      .i_take(s_axis_tvalid & s_axis_tready),
      .i_read_end(read_end[WRITE_BITS-1:0]),
      .o_crc(crc[1]),
      .o_frames(frames[1])
  );

  for (genvar s = 0; s < SETTINGS; s++) begin : gen_setting
    // verilator lint_off UNUSEDSIGNAL
    logic last;  // a setting is one beat
    // verilator lint_on UNUSEDSIGNAL
    fifo #(
        .DEPTH(QUEUE),
        .STREAM_WIDTH(32)
    ) u_settings (
        .clk,
        .rst(o_rst),
        .s_axis_tdata(setting),
        .s_axis_tlast(1'b1),
        .s_axis_tvalid(push_setting && push_end == 5'(s)),
        .s_axis_tready(room_settings[s]),
        .m_axis_tdata(m_axis_setting_tdata[s]),
        .m_axis_tlast(last),
        .m_axis_tvalid(m_axis_setting_tvalid[s]),
        .m_axis_tready(m_axis_setting_tready[s])
    );
  end
endmodule

`default_nettype wire
