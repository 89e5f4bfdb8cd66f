// SPDX-License-Identifier: Apache-2.0
// PE dot products of SIMD terms a cycle, accumulated: the arithmetic of mvu and matmul.
//
//   acc[p] = sum over the cycles from first to last of sum_s a[s] * w[p][s]
//
// Lanes     i_a: SIMD codes; i_w: PE rows of SIMD codes, row 0 lowest; o_acc: PE sums
// Rate      one set of PE x SIMD products a cycle in which en is high
// Latency   mac_array.py; everything stands still while en is low
// Golden    exact sums; ACCU_WIDTH must hold them
`default_nettype none
`include "checks.svh"

module mac_array #(
    parameter int unsigned PE = 1,
    parameter int unsigned SIMD = 1,
    parameter int unsigned ACTIVATION_WIDTH = 8,
    parameter bit SIGNED_ACTIVATIONS = 1'b0,
    parameter int unsigned WEIGHT_WIDTH = 8,
    // Bits of a sum, two's complement
    parameter int unsigned ACCU_WIDTH = 24,
    // Products a multiplier: 1, 2 or 4
    parameter int unsigned PACK = 1,
    // "dsp" or "lut"
    parameter string RES = "dsp"
) (
    input  wire logic                             clk,
    input  wire logic                             rst,
    input  wire logic                             en,
    input  wire logic                             i_valid,
    // The sum starts anew with these terms
    input  wire logic                             i_first,
    // The sum is complete with these terms
    input  wire logic                             i_last,
    // Travels with the last terms
    input  wire logic                             i_tag,
    input  wire logic [SIMD*ACTIVATION_WIDTH-1:0] i_a,
    input  wire logic [ PE*SIMD*WEIGHT_WIDTH-1:0] i_w,
    output logic                                  o_valid,
    output logic                                  o_tag,
    output logic      [        PE*ACCU_WIDTH-1:0] o_acc
);
  logic signed [ACCU_WIDTH-1:0] sum[PE];

  always_comb begin
    for (int unsigned p = 0; p < PE; p++) begin
      sum[p] = '0;
      for (int unsigned s = 0; s < SIMD; s++) begin
        sum[p] += ACCU_WIDTH'($signed({
          SIGNED_ACTIVATIONS && i_a[(s+1)*ACTIVATION_WIDTH-1],
          i_a[s*ACTIVATION_WIDTH+:ACTIVATION_WIDTH]
        })) * ACCU_WIDTH'($signed(i_w[(p*SIMD+s)*WEIGHT_WIDTH+:WEIGHT_WIDTH]));
      end
    end
  end

  always_ff @(posedge clk) begin
    if (en) begin
      if (i_valid) begin
        for (int unsigned p = 0; p < PE; p++) begin
          o_acc[p*ACCU_WIDTH+:ACCU_WIDTH] <=
              (i_first ? '0 : o_acc[p*ACCU_WIDTH+:ACCU_WIDTH]) + sum[p];
        end
      end
      o_tag <= i_tag;
    end
    if (rst) o_valid <= 1'b0;
    else if (en) o_valid <= i_valid && i_last;
  end
endmodule

`default_nettype wire
