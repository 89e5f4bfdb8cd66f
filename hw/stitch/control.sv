// SPDX-License-Identifier: Apache-2.0
// Registers of a system of accelerators, and the life of a run from its start to its end.
//
//   STATUS   idle --START or LOAD--> BUSY --inputs in, outputs out--> DONE
//            GRAPH or LENGTH that cannot run: ERROR at once, without BUSY. A graph runs if there
//            is one of that index and LENGTH is within its LENGTHS; it loads if its bit of LOADS
//            is set
//            tlast early or late: ERROR beside BUSY; only RESET ends such a run
//   CYCLES   from the first cycle in which the inputs are open through that of the last output's
//            last beat, both counted; for a LOAD through its last beat. Read it when DONE is up:
//            its halves are two reads
//
// Bus       AXI4-Lite, 32 bits: the map is hw/spec/registers.py. Reads and writes go on side by
//           side; address and data of a write come in any order. SLVERR, and nothing done: an
//           offset that is no register, a write to a read-only one or with some strobes low.
//           CONTROL reads as 0. Values that their register is too narrow for saturate
// Ignored   START and LOAD while BUSY or ERROR is up, and with RESET; writes to GRAPH, LENGTH and
//           LAYER while BUSY
// RESET     holds o_rst for RESET_CYCLES and clears all but GRAPH, LENGTH and LAYER; the next write
//           waits for its end
// Latency   a run begins 2 cycles after the write of START, a read takes 1 cycle
`default_nettype none

module control #(
    // What IDENTITY reads as
    parameter logic [31:0] IDENTITY = 32'd0,
    // Number of graphs, as in VERSION
    parameter logic [7:0] GRAPHS = 8'd1,
    // Greatest LENGTH of each graph, graph 0 lowest; 0 where its frames have one length
    parameter logic [GRAPHS-1:0][15:0] LENGTHS = '0,
    // Has the graph memories to load?
    parameter logic [GRAPHS-1:0] LOADS = '0,
    // Clock cycles of the accelerators' reset, a power of two
    parameter int unsigned RESET_CYCLES = 8
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

    // Settings, constant while BUSY
    output logic [ 7:0] o_graph,
    output logic [15:0] o_length,
    output logic [ 7:0] o_layer,

    // Reset of accelerators and channels
    output logic             o_rst,
    // The run begins with the next cycle; is it a load?
    output logic             o_start,
    output logic             o_loading,
    // Every input of the run has come, every output has gone
    input  wire logic        i_inputs_done,
    input  wire logic        i_outputs_done,
    // A channel's tlast came before the frame's last beat, did not come with it
    input  wire logic [ 7:0] i_early,
    input  wire logic [ 7:0] i_late,
    // CRC of the channel that the read address names
    input  wire logic [31:0] i_crc
);
  localparam logic [1:0] OKAY = 2'b00;
  localparam logic [1:0] SLVERR = 2'b10;
  // Two weeks at 200 MHz; CYCLES_HIGH has zeros above.
  localparam int unsigned CYCLE_BITS = 48;
  localparam int unsigned RESET_BITS = $clog2(RESET_CYCLES);

  // ---- Writes: address and data wait for each other

  logic [registers::ADDRESS_BITS-1:0] awaddr_q;
  logic [31:0] wdata_q;
  logic aw_full_q, w_full_q, whole_q;
  logic write, writable, known;
  logic resetting, resetting_q;

  assign s_axi_awready = !aw_full_q;
  assign s_axi_wready  = !w_full_q;
  assign write         = aw_full_q && w_full_q && !s_axi_bvalid && !resetting;
  assign writable      = whole_q && known;

  always_comb begin
    case (awaddr_q)
      registers::CONTROL, registers::GRAPH, registers::LENGTH, registers::LAYER: known = 1'b1;
      default: known = 1'b0;
    endcase
  end

  always_ff @(posedge clk) begin
    if (!aw_full_q) awaddr_q <= s_axi_awaddr;
    if (!w_full_q) {whole_q, wdata_q} <= {&s_axi_wstrb, s_axi_wdata};
    if (write) s_axi_bresp <= writable ? OKAY : SLVERR;
    if (rst) begin
      aw_full_q    <= 1'b0;
      w_full_q     <= 1'b0;
      s_axi_bvalid <= 1'b0;
    end else begin
      aw_full_q    <= aw_full_q ? !write : s_axi_awvalid;
      w_full_q     <= w_full_q ? !write : s_axi_wvalid;
      s_axi_bvalid <= s_axi_bvalid ? !s_axi_bready : write;
    end
  end

  // ---- A run

  logic busy, on_q, done_q, bad_q, error, finish, counting, go;
  logic can_run, can_load;
  logic write_control, want_run, want_load, want_reset;
  logic [7:0] early_q, late_q;
  logic [31:0] frames_q;
  logic [CYCLE_BITS-1:0] cycles_q;

  always_comb begin
    can_run  = 1'b0;
    can_load = 1'b0;
    for (int unsigned i = 0; i < 32'(GRAPHS); i++) begin
      if (32'(o_graph) == i) begin
        can_run  = LENGTHS[i] == '0 || (o_length != '0 && o_length <= LENGTHS[i]);
        can_load = LOADS[i];
      end
    end
  end

  assign write_control = write && writable && awaddr_q == registers::CONTROL;
  assign want_reset    = write_control && wdata_q[registers::CONTROL_RESET];
  assign want_run      = write_control && wdata_q[registers::CONTROL_START];
  assign want_load     = write_control && wdata_q[registers::CONTROL_LOAD];

  assign busy          = o_start || on_q;
  assign error         = bad_q || |{early_q, late_q};
  assign go            = (want_run || want_load) && !want_reset && !busy && !error;
  assign finish        = on_q && !error && i_inputs_done && (o_loading || i_outputs_done);
  assign counting      = on_q && !(o_loading ? i_inputs_done : i_outputs_done);

  always_ff @(posedge clk) begin
    if (go) o_loading <= !want_run;
    if (rst || resetting) begin
      o_start  <= 1'b0;
      on_q     <= 1'b0;
      done_q   <= 1'b0;
      bad_q    <= 1'b0;
      early_q  <= '0;
      late_q   <= '0;
      frames_q <= '0;
      cycles_q <= '0;
    end else begin
      o_start <= go && (want_run ? can_run : can_load);
      if (go && !(want_run ? can_run : can_load)) bad_q <= 1'b1;
      if (o_start) on_q <= 1'b1;
      else if (finish) on_q <= 1'b0;
      if (go) done_q <= 1'b0;
      else if (finish) done_q <= 1'b1;
      early_q <= early_q | i_early;
      late_q  <= late_q | i_late;
      if (finish && !o_loading) frames_q <= frames_q + 32'd1;
      if (o_start) cycles_q <= '0;
      else if (counting) cycles_q <= cycles_q + CYCLE_BITS'(1);
    end
  end

  logic [RESET_BITS-1:0] reset_left_q;
  assign resetting = resetting_q;

  always_ff @(posedge clk) begin
    o_rst <= rst || resetting_q;
    if (rst) begin
      resetting_q  <= 1'b0;
      reset_left_q <= '0;
    end else if (resetting_q) begin
      resetting_q  <= reset_left_q != '0;
      reset_left_q <= reset_left_q - RESET_BITS'(1);
    end else begin
      resetting_q  <= want_reset;
      reset_left_q <= RESET_BITS'(RESET_CYCLES - 1);
    end
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      o_graph  <= '0;
      o_length <= '0;
      o_layer  <= '0;
    end else if (write && writable && !busy) begin
      if (awaddr_q == registers::GRAPH) o_graph <= |wdata_q[31:8] ? '1 : wdata_q[7:0];
      if (awaddr_q == registers::LENGTH) o_length <= |wdata_q[31:16] ? '1 : wdata_q[15:0];
      if (awaddr_q == registers::LAYER) o_layer <= |wdata_q[31:8] ? '1 : wdata_q[7:0];
    end
  end

  // ---- Reads

  logic [31:0] status, value;
  logic found;

  always_comb begin
    status                          = '0;
    status[registers::STATUS_BUSY]  = busy;
    status[registers::STATUS_DONE]  = done_q;
    status[registers::STATUS_ERROR] = error;
  end

  always_comb begin
    found = 1'b1;
    case (s_axi_araddr)
      registers::IDENTITY:    value = IDENTITY;
      registers::VERSION:     value = {16'd0, GRAPHS, registers::MAP_VERSION};
      registers::CONTROL:     value = '0;
      registers::STATUS:      value = status;
      registers::GRAPH:       value = 32'(o_graph);
      registers::LENGTH:      value = 32'(o_length);
      registers::LAYER:       value = 32'(o_layer);
      registers::FRAMES:      value = frames_q;
      registers::CYCLES_LOW:  value = cycles_q[31:0];
      registers::CYCLES_HIGH: value = 32'(cycles_q[CYCLE_BITS-1:32]);
      registers::FAULTS:      value = {16'd0, late_q, early_q};
      default: begin
        found = s_axi_araddr[1:0] == '0 && (s_axi_araddr[7:5] == registers::CRC_IN[7:5] ||
            s_axi_araddr[7:5] == registers::CRC_OUT[7:5]);
        value = found ? i_crc : '0;
      end
    endcase
  end

  assign s_axi_arready = !s_axi_rvalid;

  always_ff @(posedge clk) begin
    if (!s_axi_rvalid) begin
      s_axi_rdata <= value;
      s_axi_rresp <= found ? OKAY : SLVERR;
    end
    if (rst) s_axi_rvalid <= 1'b0;
    else s_axi_rvalid <= s_axi_rvalid ? !s_axi_rready : s_axi_arvalid;
  end
endmodule

`default_nettype wire
