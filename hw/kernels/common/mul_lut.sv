// SPDX-License-Identifier: Apache-2.0
// A product built of LUTs: two bits of the activation at a time, then a sum.
//
//   o_product = i_a * i_w
//
// A weight of four bits times two bits of the activation is a function of six inputs, one LUT a
// bit; so these products are written in logic, not with operators that become carry chains.
// Latency   1 cycle
`default_nettype none

module mul_lut #(
    parameter int unsigned ACTIVATION_WIDTH = 4,
    parameter bit SIGNED_ACTIVATIONS = 1'b0,
    parameter int unsigned WEIGHT_WIDTH = 4
) (
    input  wire logic                                     clk,
    input  wire logic                                     en,
    input  wire logic [             ACTIVATION_WIDTH-1:0] i_a,
    input  wire logic [                 WEIGHT_WIDTH-1:0] i_w,
    output logic      [WEIGHT_WIDTH+ACTIVATION_WIDTH-1:0] o_product
);
  localparam int unsigned DIGITS = (ACTIVATION_WIDTH + 1) / 2;
  localparam int unsigned TERM_WIDTH = WEIGHT_WIDTH + 2;
  localparam int unsigned PRODUCT_WIDTH = WEIGHT_WIDTH + ACTIVATION_WIDTH;

  logic [2*DIGITS-1:0] a;
  assign a = SIGNED_ACTIVATIONS ? (2 * DIGITS)'($signed(i_a)) : (2 * DIGITS)'(i_a);

  logic signed [TERM_WIDTH-1:0] term[DIGITS];

  for (genvar d = 0; d < DIGITS; d++) begin : gen_digit
    // The highest digit of a signed activation counts -2..1.
    localparam bit NEGATIVE = SIGNED_ACTIVATIONS && d == DIGITS - 1;
    logic [TERM_WIDTH-1:0] once, twice, propagate;
    logic [TERM_WIDTH-1:0] carry;
    assign once = a[2*d] ? {{2{i_w[WEIGHT_WIDTH-1]}}, i_w} : '0;
    assign twice = (a[2*d+1] ? {i_w[WEIGHT_WIDTH-1], i_w, 1'b0} : '0) ^ {TERM_WIDTH{NEGATIVE}};
    assign propagate = once ^ twice;
    assign carry[0] = NEGATIVE;
    for (genvar b = 0; b < TERM_WIDTH - 1; b++) begin : gen_bit
      assign carry[b+1] = propagate[b] ? carry[b] : once[b];
    end
    assign term[d] = propagate ^ carry;
  end

  logic signed [PRODUCT_WIDTH-1:0] sum;
  always_comb begin
    sum = '0;
    for (int unsigned d = 0; d < DIGITS; d++) sum += PRODUCT_WIDTH'(term[d]) << (2 * d);
  end

  always_ff @(posedge clk) if (en) o_product <= sum;
endmodule

`default_nettype wire
