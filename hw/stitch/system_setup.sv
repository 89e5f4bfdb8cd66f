// SPDX-License-Identifier: Apache-2.0
// Setup streams of a system, from one end: the first frame after a reset goes to the first
// accelerator that has memories to load, the second to the second, and so on. What comes after the
// last one's is not taken.
//
// A register slice stands before the choice, so that no path of tready runs from an accelerator to
// the end that reads memory. All accelerators see its tdata, one of them its tvalid.
//
// Rate      one beat every other cycle
// Latency   1 cycle
`default_nettype none

module system_setup #(
    // Accelerators that have memories to load
    parameter int unsigned USES = 1
) (
    input wire logic clk,
    input wire logic rst,

    input  wire logic [     7:0] s_axis_tdata,
    input  wire logic            s_axis_tlast,
    input  wire logic            s_axis_tvalid,
    output logic                 s_axis_tready,
    output logic      [     7:0] m_axis_tdata,
    output logic      [USES-1:0] m_axis_tvalid,
    input  wire logic [USES-1:0] m_axis_tready
);
  logic [USES-1:0] turn_q;  // one bit, or none when all have been loaded
  logic held, last, taken;

  pipe #(
      .STREAM_WIDTH(8),
      .HALF_RATE(1'b1)
  ) u_held (
      .clk,
      .rst,
      .s_axis_tdata,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata,
      .m_axis_tlast (last),
      .m_axis_tvalid(held),
      .m_axis_tready(taken)
  );

  assign m_axis_tvalid = {USES{held}} & turn_q;
  assign taken         = |(m_axis_tready & turn_q);

  always_ff @(posedge clk) begin
    if (rst) turn_q <= USES'(1);
    else if (held && taken && last) turn_q <= turn_q << 1;
  end
endmodule

`default_nettype wire
