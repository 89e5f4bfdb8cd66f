// SPDX-License-Identifier: Apache-2.0
// PACK products of one activation in one multiplier, taken apart again.
//
//   o_product[k] + o_carry[k] = a * w[k]
//
// The weights stand SPACING bits apart in one operand. Of the whole product, a field is its row's
// product less the borrow of the fields below, which is the sign of the field before: that sign
// leaves as the carry, for the adder that follows has an input for it. Four rows of 8-bit products
// fit 25 bits only 7 apart. Then a field's sign falls on the next one's lowest bit, whose true
// value is the and of the operands' lowest bits: where the two differ, the sign is set.
// Latency   2 cycles, operands and product: registers that a DSP has
`default_nettype none

module mac_split #(
    parameter int unsigned ACTIVATION_WIDTH = 8,
    parameter bit SIGNED_ACTIVATIONS = 1'b0,
    parameter int unsigned WEIGHT_WIDTH = 8,
    // Rows: 1, 2 or 4
    parameter int unsigned PACK = 2,
    // Each weight but the first comes less the borrow of those below
    parameter bit ENCODED_WEIGHTS = 1'b0,
    // Derived, do not set
    localparam int unsigned PRODUCT_WIDTH = WEIGHT_WIDTH + ACTIVATION_WIDTH
) (
    input  wire logic                          clk,
    input  wire logic                          en,
    input  wire logic [  ACTIVATION_WIDTH-1:0] i_a,
    // Row 0 lowest
    input  wire logic [ PACK*WEIGHT_WIDTH-1:0] i_w,
    output logic      [PACK*PRODUCT_WIDTH-1:0] o_product,
    output logic      [              PACK-1:0] o_carry
);
  localparam int unsigned SPACING = PACK == 4 ? 7 : PRODUCT_WIDTH;
  localparam bit OVERLAP = PRODUCT_WIDTH > SPACING;
  // Weights that are not encoded grow by a bit when the borrow is taken off; for that the fourth
  // has no room, and its product is put right instead.
  localparam bit LATE = PACK == 4 && WEIGHT_WIDTH == 4 && !ENCODED_WEIGHTS;
  localparam int unsigned TOP_WIDTH = WEIGHT_WIDTH + (PACK == 1 || ENCODED_WEIGHTS || LATE ? 0 : 1);
  localparam int unsigned SIGNED_WIDTH = ACTIVATION_WIDTH + (SIGNED_ACTIVATIONS ? 0 : 1);
  localparam int unsigned OPERAND_WIDTH = (PACK - 1) * SPACING + TOP_WIDTH;

  // Weights less the borrow of those below, and that borrow, which not every layout looks at.
  logic signed [WEIGHT_WIDTH:0] less[PACK];
  // verilator lint_off UNUSEDSIGNAL
  logic [PACK-1:0] borrow;
  // verilator lint_on UNUSEDSIGNAL
  logic [OPERAND_WIDTH-1:0] operand;

  for (genvar k = 0; k < PACK; k++) begin : gen_operand
    logic signed [WEIGHT_WIDTH-1:0] w;
    assign w = i_w[k*WEIGHT_WIDTH+:WEIGHT_WIDTH];
    if (k == 0) begin : gen_first
      assign borrow[k] = 1'b0;
    end else begin : gen_others
      assign borrow[k] = less[k-1][WEIGHT_WIDTH];
    end
    if (k == 0 || ENCODED_WEIGHTS || (k == 3 && LATE)) begin : gen_as_is
      assign less[k] = (WEIGHT_WIDTH + 1)'(w);
    end else begin : gen_less
      assign less[k] = (WEIGHT_WIDTH + 1)'(w) - (WEIGHT_WIDTH + 1)'(borrow[k]);
    end
    if (k < PACK - 1) begin : gen_field
      assign operand[k*SPACING+:SPACING] = SPACING'(less[k]);
    end else begin : gen_top
      assign operand[k*SPACING+:TOP_WIDTH] = TOP_WIDTH'(less[k]);
    end
  end

  logic signed [OPERAND_WIDTH-1:0] w_q;
  logic signed [SIGNED_WIDTH-1:0] a_q;
  // Vivado builds narrow multipliers of LUTs unless it is told. The top bit may repeat the sign.
  // verilator lint_off UNUSEDSIGNAL
  (* use_dsp = "yes" *)
  logic signed [OPERAND_WIDTH+SIGNED_WIDTH-1:0] product_q;
  // verilator lint_on UNUSEDSIGNAL

  always_ff @(posedge clk) begin
    if (en) begin
      w_q       <= operand;
      a_q       <= SIGNED_WIDTH'(i_a);
      product_q <= w_q * a_q;
    end
  end

  logic [PACK-1:0] sign;
  assign o_carry = PACK'({sign, 1'b0});

  for (genvar k = 0; k < PACK; k++) begin : gen_result
    logic signed [PRODUCT_WIDTH-1:0] field;
    if (k == PACK - 1) begin : gen_top
      assign field   = product_q[k*SPACING+:PRODUCT_WIDTH];
      assign sign[k] = 1'b0;
    end else if (OVERLAP) begin : gen_overlap
      logic lowest_q, lowest_qq;
      always_ff @(posedge clk) begin
        if (en) begin
          // The next row's weight is even or odd as it was before the borrow.
          lowest_q  <= i_a[0] && (less[k+1][0] ^ borrow[k+1]);
          lowest_qq <= lowest_q;
        end
      end
      assign sign[k] = product_q[(k+1)*SPACING] ^ lowest_qq;
      assign field   = {sign[k], product_q[k*SPACING+:SPACING]};
    end else begin : gen_apart
      assign field   = product_q[k*SPACING+:PRODUCT_WIDTH];
      assign sign[k] = product_q[(k+1)*SPACING-1];
    end

    if (k == 3 && LATE) begin : gen_late
      logic borrow_q, borrow_qq;
      logic signed [SIGNED_WIDTH-1:0] a_qq;
      always_ff @(posedge clk) begin
        if (en) begin
          borrow_q  <= borrow[k];
          borrow_qq <= borrow_q;
          a_qq      <= a_q;
        end
      end
      assign o_product[k*PRODUCT_WIDTH+:PRODUCT_WIDTH] =
          field - PRODUCT_WIDTH'(borrow_qq ? a_qq : (ACTIVATION_WIDTH + 1)'(0));
    end else begin : gen_ready
      assign o_product[k*PRODUCT_WIDTH+:PRODUCT_WIDTH] = field;
    end
  end
endmodule

`default_nettype wire
