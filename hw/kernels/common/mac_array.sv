// SPDX-License-Identifier: Apache-2.0
// PE dot products of SIMD terms a cycle, accumulated: the arithmetic of mvu and matmul.
//
//   acc[p] = sum over the cycles from first to last of sum_s a[s] * w[p][s]
//
// Lanes     i_a: SIMD codes; i_w: PE rows of SIMD codes, row 0 lowest; o_acc: PE sums
// Rate      one set of PE x SIMD products a cycle in which en is high
// Latency   mac_array.py; everything stands still while en is low
// Golden    exact sums; ACCU_WIDTH must hold them
//
// PACK rows share a multiplier: mac_packed for single lanes whose sums fit beside each other,
// else mac_split and trees of adders.
`default_nettype none
`include "checks.svh"

module mac_array #(
    // Rows of weights at work
    parameter int unsigned PE = 1,
    // Terms a row takes at once
    parameter int unsigned SIMD = 1,
    // Bits of an activation
    parameter int unsigned ACTIVATION_WIDTH = 8,
    parameter bit SIGNED_ACTIVATIONS = 1'b0,
    // Bits of a weight, two's complement
    parameter int unsigned WEIGHT_WIDTH = 8,
    // Bits of a sum, two's complement
    parameter int unsigned ACCU_WIDTH = 24,
    // Products a multiplier: 1, 2 or 4
    parameter int unsigned PACK = 1,
    // "dsp" or "lut"
    parameter RES = "dsp",
    // i_w is as mac_array.encode makes it, of weights without the least code; only for PACK > 1
    parameter bit ENCODED_WEIGHTS = 1'b0
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
  `SPEC_CHECK(pack, PACK == 1 || PACK == 2 || PACK == 4, ("mac_array: PACK = %0d: 1, 2 or 4", PACK))
  `SPEC_CHECK(rows, PE >= PACK && PE % (PACK > 0 ? PACK : 1) == 0,
              ("mac_array: PE = %0d: a multiple of PACK = %0d", PE, PACK))

  // Widest operand of a DSP48E1.
  localparam int unsigned OPERAND_WIDTH = 25;
  // Rows in one operand take this many bits each where their sums stay in one accumulator.
  localparam bit PACKED = RES == "dsp" && SIMD == 1 && PACK == 2 &&
      ACCU_WIDTH + WEIGHT_WIDTH + (ENCODED_WEIGHTS ? 0 : 1) <= OPERAND_WIDTH;
  localparam int unsigned GROUPS = PE / PACK;
  localparam int unsigned PRODUCT_WIDTH = WEIGHT_WIDTH + ACTIVATION_WIDTH;
  localparam int unsigned LEVELS = $clog2(SIMD);
  // Registers before the accumulators: operands (of DSPs), products, each level of adders.
  localparam int unsigned STAGES = (RES == "dsp" ? 2 : 1) + LEVELS;

  logic [STAGES:0] valid, first, last, tag;
  assign valid[0] = i_valid;
  assign first[0] = i_first;
  assign last[0]  = i_last;
  assign tag[0]   = i_tag;

  for (genvar t = 0; t < STAGES; t++) begin : gen_stage
    logic valid_q, first_q, last_q, tag_q;
    assign valid[t+1] = valid_q;
    assign first[t+1] = first_q;
    assign last[t+1]  = last_q;
    assign tag[t+1]   = tag_q;

    always_ff @(posedge clk) begin
      if (en) begin
        first_q <= first[t];
        last_q  <= last[t];
        tag_q   <= tag[t];
      end
      if (rst) valid_q <= 1'b0;
      else if (en) valid_q <= valid[t];
    end
  end

  logic add;
  assign add = en && valid[STAGES];

  always_ff @(posedge clk) begin
    if (en) o_tag <= tag[STAGES];
    if (rst) o_valid <= 1'b0;
    else if (en) o_valid <= valid[STAGES] && last[STAGES];
  end

  if (PACKED) begin : gen_packed
    for (genvar g = 0; g < GROUPS; g++) begin : gen_group
      mac_packed #(
          .ACTIVATION_WIDTH  (ACTIVATION_WIDTH),
          .SIGNED_ACTIVATIONS(SIGNED_ACTIVATIONS),
          .WEIGHT_WIDTH      (WEIGHT_WIDTH),
          .ACCU_WIDTH        (ACCU_WIDTH),
          .ENCODED_WEIGHTS   (ENCODED_WEIGHTS)
      ) u_mac (
          .clk,
          .en,
          .add,
          .first(first[STAGES]),
          .i_a  (i_a),
          .i_w  (i_w[g*2*WEIGHT_WIDTH+:2*WEIGHT_WIDTH]),
          .o_acc(o_acc[g*2*ACCU_WIDTH+:2*ACCU_WIDTH])
      );
    end
  end else begin : gen_split
    // Products and what they lack, rows in the order of PE, lanes within.
    logic [PE*SIMD*PRODUCT_WIDTH-1:0] product;
    logic [              PE*SIMD-1:0] carry;

    for (genvar g = 0; g < GROUPS; g++) begin : gen_group
      for (genvar s = 0; s < SIMD; s++) begin : gen_lane
        logic [ PACK*WEIGHT_WIDTH-1:0] w;
        logic [PACK*PRODUCT_WIDTH-1:0] p;
        logic [              PACK-1:0] c;

        for (genvar k = 0; k < PACK; k++) begin : gen_row
          localparam int unsigned AT = (g * PACK + k) * SIMD + s;
          assign w[k*WEIGHT_WIDTH+:WEIGHT_WIDTH] = i_w[AT*WEIGHT_WIDTH+:WEIGHT_WIDTH];
          assign product[AT*PRODUCT_WIDTH+:PRODUCT_WIDTH] = p[k*PRODUCT_WIDTH+:PRODUCT_WIDTH];
          assign carry[AT] = c[k];
        end

        if (RES == "lut") begin : gen_lut
          mul_lut #(
              .ACTIVATION_WIDTH  (ACTIVATION_WIDTH),
              .SIGNED_ACTIVATIONS(SIGNED_ACTIVATIONS),
              .WEIGHT_WIDTH      (WEIGHT_WIDTH)
          ) u_mul (
              .clk,
              .en,
              .i_a      (i_a[s*ACTIVATION_WIDTH+:ACTIVATION_WIDTH]),
              .i_w      (w),
              .o_product(p)
          );
          assign c = '0;
        end else begin : gen_dsp
          mac_split #(
              .ACTIVATION_WIDTH  (ACTIVATION_WIDTH),
              .SIGNED_ACTIVATIONS(SIGNED_ACTIVATIONS),
              .WEIGHT_WIDTH      (WEIGHT_WIDTH),
              .PACK              (PACK),
              .ENCODED_WEIGHTS   (ENCODED_WEIGHTS)
          ) u_mul (
              .clk,
              .en,
              .i_a      (i_a[s*ACTIVATION_WIDTH+:ACTIVATION_WIDTH]),
              .i_w      (w),
              .o_product(p),
              .o_carry  (c)
          );
        end
      end
    end

    for (genvar p = 0; p < PE; p++) begin : gen_row
      logic signed [PRODUCT_WIDTH+LEVELS-1:0] sum;
      logic                                   over;
      logic        [          ACCU_WIDTH-1:0] acc_q;

      adder_tree #(
          .N    (SIMD),
          .WIDTH(PRODUCT_WIDTH)
      ) u_tree (
          .clk,
          .en,
          .i_value(product[p*SIMD*PRODUCT_WIDTH+:SIMD*PRODUCT_WIDTH]),
          .i_carry(carry[p*SIMD+:SIMD]),
          .o_value(sum),
          .o_carry(over)
      );

      always_ff @(posedge clk) begin
        if (add) begin
          acc_q <= (first[STAGES] ? '0 : acc_q) + ACCU_WIDTH'(sum) + ACCU_WIDTH'(over);
        end
      end
      assign o_acc[p*ACCU_WIDTH+:ACCU_WIDTH] = acc_q;
    end
  end
endmodule

`default_nettype wire
