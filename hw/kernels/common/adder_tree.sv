// SPDX-License-Identifier: Apache-2.0
// Sum of N signed values and N carries, a register after each level of adders.
//
//   o_value + o_carry = sum over n of (i_value[n] + i_carry[n])
//
// Each adder takes one carry in, so that one of the N stays over for whoever adds the sum on.
// Latency   clog2(N) cycles in which en is high; none where N is 1
`default_nettype none

module adder_tree #(
    // Values
    parameter int unsigned N = 2,
    // Bits of a value, two's complement
    parameter int unsigned WIDTH = 8,
    // Derived, do not set
    localparam int unsigned LEVELS = $clog2(N)
) (
    // verilator lint_off UNUSEDSIGNAL
    // One value needs no register.
    input  wire logic                    clk,
    input  wire logic                    en,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic [     N*WIDTH-1:0] i_value,
    input  wire logic [           N-1:0] i_carry,
    output logic      [WIDTH+LEVELS-1:0] o_value,
    output logic                         o_carry
);
  for (genvar l = 0; l <= LEVELS; l++) begin : gen_level
    localparam int unsigned COUNT = (N + (1 << l) - 1) >> l;
    localparam int unsigned BITS = WIDTH + l;

    logic [COUNT*BITS-1:0] value;
    logic [     COUNT-1:0] carry;

    if (l == 0) begin : gen_inputs
      assign value = i_value;
      assign carry = i_carry;
    end else begin : gen_adders
      localparam int unsigned BEFORE = (N + (1 << (l - 1)) - 1) >> (l - 1);
      localparam int unsigned NARROW = BITS - 1;

      for (genvar n = 0; n < COUNT; n++) begin : gen_node
        logic signed [NARROW-1:0] x;
        logic signed [  BITS-1:0] sum_q;
        logic                     carry_q;

        assign x                   = gen_level[l-1].value[2*n*NARROW+:NARROW];
        assign value[n*BITS+:BITS] = sum_q;
        assign carry[n]            = carry_q;

        if (2 * n + 1 < BEFORE) begin : gen_pair
          logic signed [NARROW-1:0] y;
          assign y = gen_level[l-1].value[(2*n+1)*NARROW+:NARROW];
          always_ff @(posedge clk) begin
            if (en) begin
              sum_q   <= BITS'(x) + BITS'(y) + BITS'(gen_level[l-1].carry[2*n]);
              carry_q <= gen_level[l-1].carry[2*n+1];
            end
          end
        end else begin : gen_single
          always_ff @(posedge clk) begin
            if (en) begin
              sum_q   <= BITS'(x);
              carry_q <= gen_level[l-1].carry[2*n];
            end
          end
        end
      end
    end
  end

  assign o_value = gen_level[LEVELS].value;
  assign o_carry = gen_level[LEVELS].carry;
endmodule

`default_nettype wire
