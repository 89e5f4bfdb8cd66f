// SPDX-License-Identifier: Apache-2.0
// Round robin: of the ends that ask, the next one after the last that was served.
//
//   grant = lowest asking end above the last one served, else the lowest asking end
//
// Fairness  an end that keeps asking is served within ENDS grants that are taken
// Latency   0 cycles: o_grant follows i_asking
// Golden    mover.py, `next_end`
`default_nettype none

module mover_arbiter #(
    // Ends, at least 1
    parameter int unsigned ENDS = 4
) (
    input  wire logic            clk,
    input  wire logic            rst,
    input  wire logic [ENDS-1:0] i_asking,
    // The end granted is served
    input  wire logic            i_take,
    // One-hot; 0 where none asks
    output logic      [ENDS-1:0] o_grant
);
  // Ends after the last one served.
  logic [ENDS-1:0] after_q, ahead, chosen, flipped;

  // One less than a number flips its lowest bit that is set and all below, and no other.
  assign ahead   = i_asking & after_q;
  assign chosen  = |ahead ? ahead : i_asking;
  assign flipped = chosen ^ (chosen - ENDS'(1));
  assign o_grant = chosen & flipped;

  always_ff @(posedge clk) begin
    if (rst) after_q <= '1;
    else if (i_take && |i_asking) after_q <= ~flipped;
  end
endmodule

`default_nettype wire
