// SPDX-License-Identifier: Apache-2.0
// Divisions, one a lane a cycle: the pipelined form of divide, and softmax's last step.
//
//   o[p] = clip(floor((n[p] + offset) / d), -2^(OUT_WIDTH-1), 2^(OUT_WIDTH-1) - 1) + 2^(OUT_WIDTH-1)
//
// Rate      a set of PE quotients a cycle in which en is high
// Latency   OUT_WIDTH + 1 cycles; everything stands still while en is low
// Golden    softmax.py, divide()
//
// Non-restoring division (Parhami, Computer Arithmetic, chapter 13): from r = n + offset, each
// stage subtracts d * 2^k from r >= 0 and adds it to r < 0. The signs are the quotient's bits, and
// stay at one side where r lies beyond the range.
`default_nettype none

module quotient #(
    parameter int unsigned PE = 1,
    // Bits of n, two's complement
    parameter int unsigned N_WIDTH = 16,
    // Bits of d, unsigned, at least 1
    parameter int unsigned D_WIDTH = 8,
    // Bits of the offset, two's complement
    parameter int unsigned OFFSET_WIDTH = 9,
    // Bits of a quotient, at least 2
    parameter int unsigned OUT_WIDTH = 8,
    // No |n + offset| exceeds d * (2^(OUT_WIDTH-1) + 1): saves LUTs
    parameter bit BOUNDED = 1'b0
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic                    en,
    input  wire logic                    i_valid,
    // Travels with the operands
    input  wire logic                    i_tag,
    input  wire logic [  PE*N_WIDTH-1:0] i_n,
    input  wire logic [     D_WIDTH-1:0] i_d,
    input  wire logic [OFFSET_WIDTH-1:0] i_offset,
    output logic                         o_valid,
    output logic                         o_tag,
    output logic      [PE*OUT_WIDTH-1:0] o_q
);
  localparam int unsigned STEPS = OUT_WIDTH - 1;
  localparam int unsigned SUM = (N_WIDTH > OFFSET_WIDTH ? N_WIDTH : OFFSET_WIDTH) + 1;
  localparam int unsigned DIVISOR = D_WIDTH + STEPS;
  localparam int unsigned ALL = SUM > DIVISOR ? SUM : DIVISOR;
  // Within the bounds |r| <= d * (2^k + 1) after stage k.
  localparam int unsigned LEAST = D_WIDTH + OUT_WIDTH + 1;
  localparam int unsigned R_WIDTH = BOUNDED && LEAST < ALL ? LEAST : ALL;

  logic [       STEPS+1:0] valid_q;
  logic [       STEPS+1:0] tag_q;
  logic [     D_WIDTH-1:0] d_q      [STEPS+1];
  logic [OFFSET_WIDTH-1:0] offset_q;

  always_ff @(posedge clk) begin
    if (en) begin
      tag_q    <= {tag_q[STEPS:0], i_tag};
      d_q[0]   <= i_d;
      offset_q <= i_offset;
      for (int unsigned j = 1; j <= STEPS; j++) d_q[j] <= d_q[j-1];
    end
    if (rst) valid_q <= '0;
    else if (en) valid_q <= {valid_q[STEPS:0], i_valid};
  end

  assign o_valid = valid_q[STEPS+1];
  assign o_tag   = tag_q[STEPS+1];

  for (genvar p = 0; p < PE; p++) begin : gen_lane
    logic signed [N_WIDTH-1:0] n_q;
    logic signed [R_WIDTH-1:0] r_q[STEPS+1];
    // Signs of the stages before
    logic [STEPS-1:0] q_q[STEPS+1];

    always_ff @(posedge clk) begin
      if (en) begin
        n_q    <= i_n[p*N_WIDTH+:N_WIDTH];
        r_q[0] <= R_WIDTH'(n_q) + R_WIDTH'($signed(offset_q));
      end
    end
    assign q_q[0] = '0;

    for (genvar j = 1; j <= STEPS; j++) begin : gen_stage
      localparam int unsigned SHIFT = STEPS - j;
      localparam int unsigned FIT = D_WIDTH + 2;
      localparam int unsigned ADD = BOUNDED && FIT < R_WIDTH - SHIFT ? FIT : R_WIDTH - SHIFT;
      logic negative;
      logic signed [ADD-1:0] high;
      assign negative = r_q[j-1][R_WIDTH-1];
      assign high = r_q[j-1][SHIFT+:ADD] + (ADD'(d_q[j]) ^ {ADD{!negative}}) + ADD'(!negative);
      always_ff @(posedge clk) begin
        if (en) begin
          r_q[j] <= r_q[j-1];
          r_q[j][R_WIDTH-1:SHIFT] <= (R_WIDTH - SHIFT)'(high);
          q_q[j] <= STEPS'({q_q[j-1], !negative});
        end
      end
    end
    assign o_q[p*OUT_WIDTH+:OUT_WIDTH] = {q_q[STEPS], !r_q[STEPS][R_WIDTH-1]};
  end
endmodule

`default_nettype wire
