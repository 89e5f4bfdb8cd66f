// SPDX-License-Identifier: Apache-2.0
// Setup streams of a system, from one end: the first frame after a reset goes to the first
// accelerator that has memories to load, the second to the second, and so on. What comes after the
// last one's is not taken.
//
// Only the handshake passes here, tdata and tlast go by.
//
// Rate      one beat a cycle
// Latency   none: valid and ready pass within the cycle
`default_nettype none

module system_setup #(
    // Accelerators that have memories to load
    parameter int unsigned USES = 1
) (
    input wire logic clk,
    input wire logic rst,

    input  wire logic            s_axis_tlast,
    input  wire logic            s_axis_tvalid,
    output logic                 s_axis_tready,
    output logic      [USES-1:0] m_axis_tvalid,
    input  wire logic [USES-1:0] m_axis_tready
);
  logic [USES-1:0] turn_q;  // one bit, or none when all have been loaded

  assign m_axis_tvalid = {USES{s_axis_tvalid}} & turn_q;
  assign s_axis_tready = |(m_axis_tready & turn_q);

  always_ff @(posedge clk) begin
    if (rst) turn_q <= USES'(1);
    else if (s_axis_tvalid && s_axis_tready && s_axis_tlast) turn_q <= turn_q << 1;
  end
endmodule

`default_nettype wire
