// SPDX-License-Identifier: Apache-2.0
// Reads of all read ends: bursts become addresses on AR, words on R go to the ends they are for.
//
// Several bursts are under way at once, all under one ID, so that their words come back in order: a
// FIFO remembers whose they are. An end asks only while it has room for a whole burst, so R is
// taken in every cycle and no end can hold up another.
//
// Words     o_put has the bit of the end that o_word goes to; o_word_last with a job's last word,
//           whose last byte is on lane o_word_tail
// Done      o_done with the last word of a job: all of its memory has been read
// Fault     o_fault with every word that came with SLVERR or DECERR (o_fault_decode)
// Rate      one word a cycle
// Latency   a word comes out 1 cycle after it was taken on R
// Golden    mover.py
`default_nettype none

module mover_reader #(
    parameter int unsigned ENDS = 4,
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned BEAT_BITS = 5,
    parameter int unsigned ADDRESS_BITS = 40,
    // Bursts under way, at least 2
    parameter int unsigned OUTSTANDING = 8,
    // Derived, do not set
    localparam int unsigned INDEX_BITS = ENDS > 1 ? $clog2(ENDS) : 1,
    localparam int unsigned LANE_BITS = $clog2(WORD_BYTES),
    localparam int unsigned PLACE_BITS = ADDRESS_BITS - LANE_BITS
) (
    input wire logic clk,
    input wire logic rst,

    input  wire logic                  i_burst_valid,
    input  wire logic [INDEX_BITS-1:0] i_burst_end,
    input  wire logic [PLACE_BITS-1:0] i_burst_place,
    input  wire logic [ BEAT_BITS-1:0] i_burst_beats,
    input  wire logic                  i_burst_last,
    input  wire logic [ LANE_BITS-1:0] i_burst_tail,
    output logic                       o_take,

    output logic      [ADDRESS_BITS-1:0] m_axi_araddr,
    output logic      [             7:0] m_axi_arlen,
    output logic                         m_axi_arvalid,
    input  wire logic                    m_axi_arready,
    input  wire logic [WORD_BYTES*8-1:0] m_axi_rdata,
    input  wire logic [             1:0] m_axi_rresp,
    input  wire logic                    m_axi_rlast,
    input  wire logic                    m_axi_rvalid,
    output logic                         m_axi_rready,

    output logic [        ENDS-1:0] o_put,
    output logic [WORD_BYTES*8-1:0] o_word,
    output logic [   LANE_BITS-1:0] o_word_tail,
    output logic                    o_word_last,
    output logic [  INDEX_BITS-1:0] o_word_end,
    output logic                    o_done,
    output logic                    o_fault,
    output logic                    o_fault_decode,
    // No burst is under way
    output logic                    o_idle
);
  localparam int unsigned COUNT_BITS = $clog2(OUTSTANDING + 1);
  localparam int unsigned OWNER_BITS = (INDEX_BITS + LANE_BITS + 7) / 8 * 8;

  logic room, ends_q, valid_q, owned;
  logic [1:0] resp_q;
  logic [COUNT_BITS-1:0] count_q;
  // verilator lint_off UNUSEDSIGNAL
  logic [OWNER_BITS-1:0] owner;  // has bits to spare
  // verilator lint_on UNUSEDSIGNAL
  logic job_last, leave;

  assign o_take = i_burst_valid && (!m_axi_arvalid || m_axi_arready) && room &&
      count_q != COUNT_BITS'(OUTSTANDING);
  assign leave = valid_q && ends_q;
  assign o_idle = count_q == '0;
  assign m_axi_rready = 1'b1;

  always_ff @(posedge clk) begin
    if (o_take) begin
      m_axi_araddr <= {i_burst_place, LANE_BITS'(0)};
      m_axi_arlen  <= 8'(i_burst_beats);
    end
    {o_word, resp_q, ends_q} <= {m_axi_rdata, m_axi_rresp, m_axi_rlast};
    if (rst) begin
      m_axi_arvalid <= 1'b0;
      valid_q       <= 1'b0;
      count_q       <= '0;
    end else begin
      m_axi_arvalid <= m_axi_arvalid && !m_axi_arready || o_take;
      valid_q       <= m_axi_rvalid;
      count_q       <= count_q + COUNT_BITS'(o_take) - COUNT_BITS'(leave);
    end
  end

  // Whose the words are.
  fifo #(
      .DEPTH(OUTSTANDING),
      .STREAM_WIDTH(OWNER_BITS)
  ) u_owners (
      .clk,
      .rst,
      .s_axis_tdata (OWNER_BITS'({i_burst_tail, i_burst_end})),
      .s_axis_tlast (i_burst_last),
      .s_axis_tvalid(o_take),
      .s_axis_tready(room),
      .m_axis_tdata (owner),
      .m_axis_tlast (job_last),
      .m_axis_tvalid(owned),
      .m_axis_tready(leave)
  );

  assign {o_word_tail, o_word_end} = owner[LANE_BITS+INDEX_BITS-1:0];
  assign o_word_last = job_last && ends_q;
  assign o_done = valid_q && o_word_last;
  assign o_fault = valid_q && resp_q[1];
  assign o_fault_decode = resp_q[0];
  for (genvar e = 0; e < ENDS; e++) begin : gen_put
    assign o_put[e] = valid_q && o_word_end == INDEX_BITS'(e);
  end

`ifndef SYNTHESIS
  owner_known :
  assert property (@(posedge clk) disable iff (rst) valid_q |-> owned)
  else $error("mover_reader: a word came that nobody asked for");
`endif
endmodule

`default_nettype wire
