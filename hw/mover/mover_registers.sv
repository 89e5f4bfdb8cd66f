// SPDX-License-Identifier: Apache-2.0
// Registers of the data mover: jobs are pushed, and counts, times and faults of every end read.
//
// Bus       AXI4-Lite, 32 bits: the map is hw/spec/registers.py. Reads and writes go on side by
//           side; address and data of a write come in any order. SLVERR, and nothing done: an
//           offset that is no register, a write to a read-only one or with some strobes low, a
//           push to an end that there is not. Write-only registers read as 0
// Jobs      o_push_read, o_push_write and o_push_setting last one cycle; a job that no end can
//           take is told by o_refused_* instead, and nothing is pushed
// Latency   a push leaves 3 cycles after its write, a read takes 3 cycles
// Golden    registers.py
`default_nettype none

module mover_registers #(
    parameter int unsigned READS = 4,
    parameter int unsigned WRITES = 4,
    parameter int unsigned SETTINGS = 1,
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned ADDRESS_BITS = 40,
    parameter int unsigned LENGTH_BITS = 24,
    // As in mover.sv
    parameter logic [31:0] DESIGN = '0,
    parameter logic [7:0] GRAPHS = '0,
    // Derived, do not set
    localparam int unsigned LANE_BITS = $clog2(WORD_BYTES),
    localparam int unsigned PLACE_BITS = ADDRESS_BITS - LANE_BITS,
    localparam int unsigned END_BITS = 5
) (
    input wire logic clk,
    input wire logic rst,

    input  wire logic [registers::ADDRESS_BITS-1:0] s_axi_awaddr,
    input  wire logic                               s_axi_awvalid,
    output logic                                    s_axi_awready,
    input  wire logic [                       31:0] s_axi_wdata,
    input  wire logic [                        3:0] s_axi_wstrb,
    input  wire logic                               s_axi_wvalid,
    output logic                                    s_axi_wready,
    output logic      [                        1:0] s_axi_bresp,
    output logic                                    s_axi_bvalid,
    input  wire logic                               s_axi_bready,
    input  wire logic [registers::ADDRESS_BITS-1:0] s_axi_araddr,
    input  wire logic                               s_axi_arvalid,
    output logic                                    s_axi_arready,
    output logic      [                       31:0] s_axi_rdata,
    output logic      [                        1:0] s_axi_rresp,
    output logic                                    s_axi_rvalid,
    input  wire logic                               s_axi_rready,

    // Jobs
    output logic                        o_push_read,
    output logic                        o_push_write,
    output logic                        o_push_setting,
    output logic      [   END_BITS-1:0] o_push_end,
    output logic      [ PLACE_BITS-1:0] o_place,
    output logic      [LENGTH_BITS-1:0] o_length,
    output logic      [           31:0] o_setting,
    input  wire logic [      READS-1:0] i_room_reads,
    input  wire logic [     WRITES-1:0] i_room_writes,
    input  wire logic [   SETTINGS-1:0] i_room_settings,
    output logic      [      READS-1:0] o_refused_reads,
    output logic      [     WRITES-1:0] o_refused_writes,

    // State
    output logic                   o_abandon,
    input  wire logic              i_abandoning,
    input  wire logic              i_busy,
    input  wire logic              i_faulty,
    output logic      [      31:0] o_now,
    input  wire logic [ READS-1:0] i_pending_reads,
    input  wire logic [WRITES-1:0] i_pending_writes,
    output logic      [ READS-1:0] o_clear_reads,
    output logic      [WRITES-1:0] o_clear_writes,
    output logic                   o_irq,

    // Words of the end that is read, 1 cycle after its number
    output logic [END_BITS-1:0] o_read_end,
    input wire logic [1:0][15:0] i_done,
    input wire logic [1:0][4:0] i_faults,
    input wire logic [1:0][31:0] i_begun_at,
    input wire logic [1:0][31:0] i_done_at,
    input wire logic [1:0][31:0] i_crc,
    input wire logic [1:0][3:0] i_frames
);
  localparam logic [1:0] OKAY = 2'b00;
  localparam logic [1:0] SLVERR = 2'b10;
  localparam logic [5:0] READS_COUNT = 6'(READS);
  localparam logic [5:0] WRITES_COUNT = 6'(WRITES);
  localparam logic [5:0] SETTINGS_COUNT = 6'(SETTINGS);

  // ---- Writes: address and data wait for each other, then for whether there is such a register

  logic [registers::ADDRESS_BITS-1:0] awaddr_q;
  logic [31:0] wdata_q;
  logic aw_full_q, w_full_q, whole_q, checked_q, known_q, write, writable, known, few;

  assign s_axi_awready = !aw_full_q;
  assign s_axi_wready  = !w_full_q;
  assign write         = checked_q && !s_axi_bvalid;
  assign writable      = whole_q && known_q;
  assign few           = wdata_q[31:6] == '0;

  always_comb begin
    case (awaddr_q)
      registers::CONTROL, registers::ADDRESS_LOW, registers::ADDRESS_HIGH, registers::LENGTH,
          registers::SETTING, registers::PENDING_READS, registers::PENDING_WRITES,
          registers::ENABLE_READS, registers::ENABLE_WRITES:
      known = 1'b1;
      registers::PUSH_READ: known = few && wdata_q[5:0] < READS_COUNT;
      registers::PUSH_WRITE: known = few && wdata_q[5:0] < WRITES_COUNT;
      registers::PUSH_SETTING: known = few && wdata_q[5:0] < SETTINGS_COUNT;
      default: known = 1'b0;
    endcase
  end

  always_ff @(posedge clk) begin
    if (!aw_full_q) awaddr_q <= s_axi_awaddr;
    if (!w_full_q) {whole_q, wdata_q} <= {&s_axi_wstrb, s_axi_wdata};
    known_q <= known;
    if (write) s_axi_bresp <= writable ? OKAY : SLVERR;
    if (rst) begin
      checked_q    <= 1'b0;
      aw_full_q    <= 1'b0;
      w_full_q     <= 1'b0;
      s_axi_bvalid <= 1'b0;
    end else begin
      checked_q    <= aw_full_q && w_full_q && !write;
      aw_full_q    <= aw_full_q ? !write : s_axi_awvalid;
      w_full_q     <= w_full_q ? !write : s_axi_wvalid;
      s_axi_bvalid <= s_axi_bvalid ? !s_axi_bready : write;
    end
  end

  // ---- Jobs: a push is looked at for a cycle, then it goes or is refused

  logic [ADDRESS_BITS-1:0] address_q;
  logic [LENGTH_BITS:0] length_q;
  logic [READS-1:0] enable_reads_q;
  logic [WRITES-1:0] enable_writes_q;
  logic want_read_q, want_write_q, want_setting_q, sound;
  logic [END_BITS-1:0] want_end_q;
  logic room_read, room_write, room_setting;

  assign sound = address_q[LANE_BITS-1:0] == '0 && length_q != '0 &&
      !(length_q[LENGTH_BITS] && |length_q[LENGTH_BITS-1:0]);

  always_comb begin
    room_read    = 1'b0;
    room_write   = 1'b0;
    room_setting = 1'b0;
    for (int unsigned e = 0; e < READS; e++) begin
      if (want_end_q == END_BITS'(e)) room_read |= i_room_reads[e];
    end
    for (int unsigned e = 0; e < WRITES; e++) begin
      if (want_end_q == END_BITS'(e)) room_write |= i_room_writes[e];
    end
    for (int unsigned e = 0; e < SETTINGS; e++) begin
      if (want_end_q == END_BITS'(e)) room_setting |= i_room_settings[e];
    end
  end

  always_ff @(posedge clk) begin
    want_end_q <= wdata_q[END_BITS-1:0];
    o_push_end <= want_end_q;
    o_place    <= address_q[ADDRESS_BITS-1:LANE_BITS];
    o_length   <= length_q[LENGTH_BITS-1:0] - 1'b1;
    for (int unsigned e = 0; e < READS; e++) begin
      o_refused_reads[e] <= want_read_q && !(sound && room_read) && want_end_q == END_BITS'(e);
    end
    for (int unsigned e = 0; e < WRITES; e++) begin
      o_refused_writes[e] <= want_write_q && !(sound && room_write) && want_end_q == END_BITS'(e);
    end
    o_clear_reads  <= '0;
    o_clear_writes <= '0;
    if (write && writable) begin
      case (awaddr_q)
        registers::ADDRESS_LOW: address_q[31:0] <= wdata_q;
        registers::ADDRESS_HIGH: address_q[ADDRESS_BITS-1:32] <= wdata_q[ADDRESS_BITS-33:0];
        registers::LENGTH: length_q <= |wdata_q[31:LENGTH_BITS+1] ? '1 : wdata_q[LENGTH_BITS:0];
        registers::SETTING: o_setting <= wdata_q;
        registers::PENDING_READS: o_clear_reads <= wdata_q[READS-1:0];
        registers::PENDING_WRITES: o_clear_writes <= wdata_q[WRITES-1:0];
        default: ;
      endcase
    end
    if (rst) begin
      want_read_q     <= 1'b0;
      want_write_q    <= 1'b0;
      want_setting_q  <= 1'b0;
      o_push_read     <= 1'b0;
      o_push_write    <= 1'b0;
      o_push_setting  <= 1'b0;
      o_abandon       <= 1'b0;
      enable_reads_q  <= '0;
      enable_writes_q <= '0;
      o_irq           <= 1'b0;
      o_now           <= '0;
    end else begin
      want_read_q <= write && writable && awaddr_q == registers::PUSH_READ;
      want_write_q <= write && writable && awaddr_q == registers::PUSH_WRITE;
      want_setting_q <= write && writable && awaddr_q == registers::PUSH_SETTING;
      o_push_read <= want_read_q && sound && room_read && !i_abandoning;
      o_push_write <= want_write_q && sound && room_write && !i_abandoning;
      o_push_setting <= want_setting_q && room_setting && !i_abandoning;
      o_abandon      <= write && writable && awaddr_q == registers::CONTROL &&
          wdata_q[registers::CONTROL_ABANDON];
      if (write && writable && awaddr_q == registers::ENABLE_READS) begin
        enable_reads_q <= wdata_q[READS-1:0];
      end
      if (write && writable && awaddr_q == registers::ENABLE_WRITES) begin
        enable_writes_q <= wdata_q[WRITES-1:0];
      end
      o_irq <= |(i_pending_reads & enable_reads_q) || |(i_pending_writes & enable_writes_q);
      o_now <= o_now + 32'd1;
    end
  end

  // ---- Reads: the address is held, the words of its end looked up, then one is chosen

  logic [registers::ADDRESS_BITS-1:0] araddr_q;
  logic [31:0] status, value;
  logic asked_q, looked_q, found, side;

  always_comb begin
    status                               = '0;
    status[registers::STATUS_BUSY]       = i_busy;
    status[registers::STATUS_ABANDONING] = i_abandoning;
    status[registers::STATUS_FAULT]      = i_faulty;
  end

  assign o_read_end = araddr_q[9:5];
  assign side       = araddr_q[11:10] == registers::WRITES[11:10];

  always_comb begin
    found = 1'b1;
    value = '0;
    if (araddr_q[11:10] == registers::READS[11:10] || side) begin
      found = 6'(o_read_end) < (side ? WRITES_COUNT : READS_COUNT);
      case (araddr_q[4:0])
        registers::END_DONE: value = 32'(i_done[side]);
        registers::END_FAULTS: value = 32'(i_faults[side]);
        registers::END_BEGUN_AT: value = i_begun_at[side];
        registers::END_DONE_AT: value = i_done_at[side];
        registers::END_CRC: value = i_crc[side];
        registers::END_FRAMES: value = 32'(i_frames[side]);
        default: found = 1'b0;
      endcase
    end else begin
      case (araddr_q)
        registers::IDENTITY: value = registers::IDENTITY_VALUE;
        registers::VERSION: value = {8'(SETTINGS), 8'(WRITES), 8'(READS), registers::MAP_VERSION};
        registers::CONTROL, registers::PUSH_READ, registers::PUSH_WRITE, registers::PUSH_SETTING: ;
        registers::STATUS: value = status;
        registers::NOW: value = o_now;
        registers::ADDRESS_LOW: value = address_q[31:0];
        registers::ADDRESS_HIGH: value = 32'(address_q[ADDRESS_BITS-1:32]);
        registers::LENGTH: value = 32'(length_q);
        registers::SETTING: value = o_setting;
        registers::PENDING_READS: value = 32'(i_pending_reads);
        registers::PENDING_WRITES: value = 32'(i_pending_writes);
        registers::ENABLE_READS: value = 32'(enable_reads_q);
        registers::ENABLE_WRITES: value = 32'(enable_writes_q);
        registers::ROOM_READS: value = 32'(i_room_reads);
        registers::ROOM_WRITES: value = 32'(i_room_writes);
        registers::ROOM_SETTINGS: value = 32'(i_room_settings);
        registers::DESIGN: value = DESIGN;
        registers::GRAPHS: value = 32'(GRAPHS);
        default: found = 1'b0;
      endcase
    end
  end

  assign s_axi_arready = !(asked_q || looked_q || s_axi_rvalid);

  always_ff @(posedge clk) begin
    if (s_axi_arready) araddr_q <= s_axi_araddr;
    if (looked_q) begin
      s_axi_rdata <= found ? value : '0;
      s_axi_rresp <= found ? OKAY : SLVERR;
    end
    if (rst) begin
      asked_q      <= 1'b0;
      looked_q     <= 1'b0;
      s_axi_rvalid <= 1'b0;
    end else begin
      asked_q      <= s_axi_arready && s_axi_arvalid;
      looked_q     <= asked_q;
      s_axi_rvalid <= s_axi_rvalid ? !s_axi_rready : looked_q;
    end
  end
endmodule

`default_nettype wire
