// SPDX-License-Identifier: Apache-2.0
// Output channel of a system: leads the stream of the graph that runs to the host, and is open from
// the start of its run to its tlast.
//
// Each stream that uses the channel has an owner, {loading, graph}; the one whose owner is i_owner
// is chosen. The others' ready stays low.
//
// Rate      one beat a cycle
// Latency   none: valid, ready and data pass within the cycle, while open
`default_nettype none

module system_output #(
    // Streams that use the channel
    parameter int unsigned USES = 1,
    // Their owners, the first stream's lowest
    parameter logic [USES-1:0][8:0] OWNERS = '0
) (
    input wire logic clk,
    input wire logic rst,

    // The run begins with the next cycle; the owner is constant from here to its end
    input wire logic       i_start,
    input wire logic [8:0] i_owner,

    input  wire logic [USES-1:0][7:0] s_axis_tdata,
    input  wire logic [USES-1:0]      s_axis_tlast,
    input  wire logic [USES-1:0]      s_axis_tvalid,
    output logic      [USES-1:0]      s_axis_tready,
    output logic      [     7:0]      m_axis_tdata,
    output logic                      m_axis_tlast,
    output logic                      m_axis_tvalid,
    input  wire logic                 m_axis_tready,

    // Beats of the run are still to go
    output logic o_open
);
  logic [USES-1:0] chosen;
  logic open_q;

  always_comb begin
    m_axis_tdata = '0;
    for (int unsigned i = 0; i < USES; i++) begin
      chosen[i] = i_owner == OWNERS[i];
      if (chosen[i]) m_axis_tdata = s_axis_tdata[i];
    end
  end

  assign m_axis_tlast  = |(s_axis_tlast & chosen);
  assign m_axis_tvalid = open_q && |(s_axis_tvalid & chosen);
  assign s_axis_tready = {USES{m_axis_tready && open_q}} & chosen;
  assign o_open        = open_q;

  always_ff @(posedge clk) begin
    if (rst) open_q <= 1'b0;
    else if (i_start && |chosen) open_q <= 1'b1;
    else if (m_axis_tvalid && m_axis_tready && m_axis_tlast) open_q <= 1'b0;
  end
endmodule

`default_nettype wire
