// SPDX-License-Identifier: Apache-2.0
// Two rows in one multiplier and one accumulator: sums side by side, parted when they leave.
//
//   acc_q = 2^(ACCU_WIDTH - 1) + sum of (w0 + w1 * 2^ACCU_WIDTH) * a
//
// The accumulator starts from half the lower field's range instead of zero, so that the lower sum
// never borrows from the upper one: that one stands as it is, the lower with its top bit inverted.
// Latency   3 cycles; operands, product and accumulator are registers that a DSP has
`default_nettype none

module mac_packed #(
    parameter int unsigned ACTIVATION_WIDTH = 8,
    parameter bit SIGNED_ACTIVATIONS = 1'b0,
    parameter int unsigned WEIGHT_WIDTH = 4,
    // Bits of a sum, and between the rows
    parameter int unsigned ACCU_WIDTH = 16,
    // The upper weight comes less the borrow of the lower one
    parameter bit ENCODED_WEIGHTS = 1'b0
) (
    input  wire logic                        clk,
    input  wire logic                        en,
    // Take the product of two cycles ago into the sum
    input  wire logic                        add,
    // It is the sum's first
    input  wire logic                        first,
    input  wire logic [ACTIVATION_WIDTH-1:0] i_a,
    // Lower row lowest
    input  wire logic [  2*WEIGHT_WIDTH-1:0] i_w,
    output logic      [    2*ACCU_WIDTH-1:0] o_acc
);
  localparam int unsigned OPERAND_WIDTH = ACCU_WIDTH + WEIGHT_WIDTH + (ENCODED_WEIGHTS ? 0 : 1);
  // An unsigned activation takes a bit more as a signed operand; Yosys packs the accumulator into
  // a DSP48E1 only where no bit of the product repeats another.
  localparam int unsigned SIGNED_WIDTH = ACTIVATION_WIDTH + (SIGNED_ACTIVATIONS ? 0 : 1);
  localparam int unsigned PRODUCT_WIDTH = OPERAND_WIDTH + ACTIVATION_WIDTH;
  localparam logic [2*ACCU_WIDTH-1:0] START = (2 * ACCU_WIDTH)'(1) << (ACCU_WIDTH - 1);

  logic signed [WEIGHT_WIDTH-1:0] low, high;
  assign {high, low} = i_w;

  logic signed [OPERAND_WIDTH-1:0] operand;
  if (ENCODED_WEIGHTS) begin : gen_encoded
    assign operand = {high, ACCU_WIDTH'(low)};
  end else begin : gen_plain
    assign operand = OPERAND_WIDTH'($signed({high, ACCU_WIDTH'(0)})) + OPERAND_WIDTH'(low);
  end

  logic signed [OPERAND_WIDTH-1:0] w_q;
  logic signed [SIGNED_WIDTH-1:0] a_q;
  // Vivado builds narrow multipliers of LUTs unless it is told.
  (* use_dsp = "yes" *)
  logic signed [PRODUCT_WIDTH-1:0] product_q;
  (* use_dsp = "yes" *)
  logic [2*ACCU_WIDTH-1:0] acc_q;

  always_ff @(posedge clk) begin
    if (en) begin
      w_q       <= operand;
      a_q       <= SIGNED_WIDTH'(i_a);
      product_q <= w_q * a_q;
    end
    if (add) acc_q <= (first ? START : acc_q) + (2 * ACCU_WIDTH)'(product_q);
  end

  assign o_acc = acc_q ^ START;
endmodule

`default_nettype wire
