// SPDX-License-Identifier: Apache-2.0
// The write side of the mover: all ends that write memory, over one set of AW, W and B.
//
//   memory from the address of e's job on = bytes of s(e), one frame a job
//
// Streams   packed, end 0 lowest: 8 bits and tlast each
// Rate      one byte a cycle an end, one word a cycle in all
// Latency   8 cycles from the byte that makes a burst's words complete to the first one on W
// Golden    mover.py
`default_nettype none

module mover_writes #(
    // As in mover.sv
    parameter int unsigned ENDS = 4,
    parameter int unsigned QUEUE = 4,
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned BURST_BYTES = 256,
    parameter int unsigned FIFO_BYTES = 512,
    parameter int unsigned OUTSTANDING = 8,
    parameter int unsigned ADDRESS_BITS = 40,
    parameter int unsigned LENGTH_BITS = 24,
    // Derived, do not set
    localparam int unsigned LANE_BITS = $clog2(WORD_BYTES),
    localparam int unsigned PLACE_BITS = ADDRESS_BITS - LANE_BITS,
    localparam int unsigned INDEX_BITS = ENDS > 1 ? $clog2(ENDS) : 1
) (
    input wire logic clk,
    input wire logic rst,

    // A job for an end; ends whose queue has room, and that have a job which is not cut to its end
    input  wire logic                   i_push,
    input  wire logic [ INDEX_BITS-1:0] i_push_end,
    input  wire logic [ PLACE_BITS-1:0] i_place,
    input  wire logic [LENGTH_BITS-1:0] i_length,
    input  wire logic [       ENDS-1:0] i_refused,
    output logic      [       ENDS-1:0] o_room,
    output logic      [       ENDS-1:0] o_busy,
    // Begin no further burst; is none under way?
    input  wire logic                   i_hold,
    output logic                        o_idle,

    // What became of the jobs, `mover_tally`
    input  wire logic [          31:0] i_now,
    input  wire logic [      ENDS-1:0] i_clear,
    output logic      [      ENDS-1:0] o_pending,
    output logic                       o_faulty,
    input  wire logic [INDEX_BITS-1:0] i_read_end,
    output logic      [          15:0] o_done,
    output logic      [           4:0] o_faults,
    output logic      [          31:0] o_begun_at,
    output logic      [          31:0] o_done_at,

    output logic      [ADDRESS_BITS-1:0] m_axi_awaddr,
    output logic      [             7:0] m_axi_awlen,
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

    input  wire logic [ENDS-1:0][7:0] s_axis_tdata,
    input  wire logic [ENDS-1:0]      s_axis_tlast,
    input  wire logic [ENDS-1:0]      s_axis_tvalid,
    output logic      [ENDS-1:0]      s_axis_tready
);
  localparam int unsigned BURST_WORDS = BURST_BYTES / WORD_BYTES;
  localparam int unsigned FIFO_WORDS = FIFO_BYTES / WORD_BYTES;
  localparam int unsigned BEAT_BITS = $clog2(BURST_WORDS);

  logic cutter_idle, port_idle;
  assign o_idle = cutter_idle && port_idle;

  logic write_valid, write_first, write_last, write_take, write_drop, write_done;
  logic write_fault, write_decode, early, late;
  logic [ENDS-1:0] write_able, write_owner, short, end_valid, end_last, pull, framed, halted_q;
  logic [INDEX_BITS-1:0] write_index, done_index;
  logic [PLACE_BITS-1:0] write_place;
  logic [BEAT_BITS-1:0] write_beats;
  logic [LANE_BITS-1:0] write_tail;
  logic [ENDS-1:0][WORD_BYTES*8-1:0] end_word;
  logic [ENDS-1:0][LANE_BITS-1:0] end_tail;
  logic [ENDS-1:0][4:0] write_faults;

  mover_bursts #(
      .ENDS(ENDS),
      .QUEUE(QUEUE),
      .WORD_BYTES(WORD_BYTES),
      .BURST_BYTES(BURST_BYTES),
      .ADDRESS_BITS(ADDRESS_BITS),
      .LENGTH_BITS(LENGTH_BITS)
  ) u_bursts (
      .clk,
      .rst,
      .i_push,
      .i_end(i_push_end),
      .i_place,
      .i_length,
      .o_room,
      .o_busy,
      .i_able(write_able & ~halted_q),
      .i_hold,
      .o_idle(cutter_idle),
      .o_burst_valid(write_valid),
      .o_burst_owner(write_owner),
      .o_burst_end(write_index),
      .o_burst_place(write_place),
      .o_burst_beats(write_beats),
      .o_burst_first(write_first),
      .o_burst_last(write_last),
      .o_burst_tail(write_tail),
      .i_take(write_take),
      .i_drop(write_drop)
  );

  mover_writer #(
      .ENDS(ENDS),
      .WORD_BYTES(WORD_BYTES),
      .BEAT_BITS(BEAT_BITS),
      .ADDRESS_BITS(ADDRESS_BITS),
      .OUTSTANDING(OUTSTANDING)
  ) u_writer (
      .clk,
      .rst,
      .i_burst_valid(write_valid),
      .i_burst_owner(write_owner),
      .i_burst_end(write_index),
      .i_burst_place(write_place),
      .i_burst_beats(write_beats),
      .i_burst_last(write_last),
      .i_burst_tail(write_tail),
      .o_take(write_take),
      .o_drop(write_drop),
      .i_short(short),
      .i_valid(end_valid),
      .i_word(end_word),
      .i_tail(end_tail),
      .i_last(end_last),
      .o_pull(pull),
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
      .o_done_end(done_index),
      .o_done(write_done),
      .o_fault(write_fault),
      .o_fault_decode(write_decode),
      .o_framed(framed),
      .o_early(early),
      .o_late(late),
      .o_idle(port_idle)
  );

  for (genvar w = 0; w < ENDS; w++) begin : gen_write
    logic own;
    assign own = done_index == INDEX_BITS'(w);
    assign write_faults[w] = {
      late && framed[w],
      early && framed[w],
      i_refused[w],
      write_fault && own && write_decode,
      write_fault && own && !write_decode
    };
    always_ff @(posedge clk) begin
      if (rst) halted_q[w] <= 1'b0;
      else if (write_drop && write_owner[w]) halted_q[w] <= 1'b1;
    end
    mover_write_end #(
        .WORD_BYTES(WORD_BYTES),
        .BURST_WORDS(BURST_WORDS),
        .WORDS(FIFO_WORDS)
    ) u_end (
        .clk,
        .rst,
        .s_axis_tdata(s_axis_tdata[w]),
        .s_axis_tlast(s_axis_tlast[w]),
        .s_axis_tvalid(s_axis_tvalid[w]),
        .s_axis_tready(s_axis_tready[w]),
        .i_promise(write_take && write_owner[w]),
        .i_promise_last(write_last),
        .i_beats(write_beats),
        .o_able(write_able[w]),
        .o_short(short[w]),
        .o_word(end_word[w]),
        .o_tail(end_tail[w]),
        .o_last(end_last[w]),
        .o_valid(end_valid[w]),
        .i_pull(pull[w])
    );
  end

  mover_tally #(
      .ENDS(ENDS)
  ) u_tally (
      .clk,
      .rst,
      .i_now,
      .i_begun(write_take && write_first),
      .i_begun_end(write_index),
      .i_done(write_done),
      .i_done_end(done_index),
      .i_faults(write_faults),
      .i_clear,
      .o_pending,
      .o_faulty,
      .i_read_end(i_read_end),
      .o_done,
      .o_faults,
      .o_begun_at,
      .o_done_at
  );

endmodule

`default_nettype wire
