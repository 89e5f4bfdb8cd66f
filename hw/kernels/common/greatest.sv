// SPDX-License-Identifier: Apache-2.0
// The greatest of several codes, idle ones left out.
//
// Lanes in pairs, pairs of pairs. Idle ones come last, so that the upper one decides for both; lane
// 0 is never idle.
`default_nettype none

module greatest #(
    // Codes
    parameter int unsigned LANES = 2,
    // Bits of a code, two's complement
    parameter int unsigned WIDTH = 8
) (
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic   [      LANES-1:0] i_idle,  // lane 0's is not looked at
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic   [LANES*WIDTH-1:0] i_data,
    output logic signed [      WIDTH-1:0] o_most
);
  logic signed [WIDTH-1:0] best[LANES];
  assign o_most = best[0];

  always_comb begin
    for (int unsigned p = 0; p < LANES; p++) best[p] = i_data[p*WIDTH+:WIDTH];
    for (int unsigned step = 1; step < LANES; step = 2 * step) begin
      for (int unsigned p = 0; p + step < LANES; p += 2 * step) begin
        if (!i_idle[p+step] && best[p+step] > best[p]) best[p] = best[p+step];
      end
    end
  end
endmodule

`default_nettype wire
