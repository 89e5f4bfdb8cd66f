// SPDX-License-Identifier: Apache-2.0
// Residual join: two streams of codes become one.
//
//   out = clip((a * MA + b * MB + BIAS) >> SHIFT)
//
// Streams   s_axis_a, s_axis_b: codes, PE lanes, tlast; a beat of each is taken at once
//           m_axis: codes, PE lanes, tlast of a
// Rate      one beat a cycle
// Latency   1 cycle where MA and MB are 0 or powers of two, of either sign; else 3: products, sum,
//           code
// Golden    join_add.py
//
// The usual join, of codes of one scale, is MA = MB = 1, BIAS = SHIFT = 0: an adder and a clip.
`default_nettype none
`include "checks.svh"

module join_add #(
    // Lanes
    parameter int unsigned PE = 1,
    // Bits of a code of a
    parameter int unsigned IN_WIDTH_A = 8,
    // a is two's complement
    parameter bit IN_SIGNED_A = 1'b1,
    // Bits of a code of b
    parameter int unsigned IN_WIDTH_B = 8,
    // b is two's complement
    parameter bit IN_SIGNED_B = 1'b1,
    // Bits of a code that comes out
    parameter int unsigned OUT_WIDTH = 8,
    // It is two's complement
    parameter bit OUT_SIGNED = 1'b1,
    // Factors of a and of b
    parameter int MA = 1,
    parameter int MB = 1,
    // Added to the sum
    parameter int BIAS = 0,
    // Bits that the sum is shifted down by
    parameter int unsigned SHIFT = 0,
    // Derived, do not set
    localparam int unsigned A_STREAM_WIDTH = ((PE * IN_WIDTH_A + 7) / 8) * 8,
    localparam int unsigned B_STREAM_WIDTH = ((PE * IN_WIDTH_B + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PE * OUT_WIDTH + 7) / 8) * 8
) (
    input  wire logic                        clk,
    input  wire logic                        rst,
    // Beats are filled up with bits that nobody reads; the frame ends where a says.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [  A_STREAM_WIDTH-1:0] s_axis_a_tdata,
    input  wire logic [  B_STREAM_WIDTH-1:0] s_axis_b_tdata,
    input  wire logic                        s_axis_b_tlast,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                        s_axis_a_tlast,
    input  wire logic                        s_axis_a_tvalid,
    output logic                             s_axis_a_tready,
    input  wire logic                        s_axis_b_tvalid,
    output logic                             s_axis_b_tready,
    output logic      [OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                             m_axis_tlast,
    output logic                             m_axis_tvalid,
    input  wire logic                        m_axis_tready
);
  `SPEC_CHECK(pe, PE >= 1, ("join_add: PE = %0d: at least 1", PE))
  `SPEC_CHECK(
      a, IN_WIDTH_A >= (IN_SIGNED_A ? 2 : 1) && IN_WIDTH_A <= 16,
      ("join_add: IN_WIDTH_A = %0d: 1..16, 2..16 if IN_SIGNED_A = %0d", IN_WIDTH_A, IN_SIGNED_A))
  `SPEC_CHECK(
      b, IN_WIDTH_B >= (IN_SIGNED_B ? 2 : 1) && IN_WIDTH_B <= 16,
      ("join_add: IN_WIDTH_B = %0d: 1..16, 2..16 if IN_SIGNED_B = %0d", IN_WIDTH_B, IN_SIGNED_B))
  `SPEC_CHECK(
      out, OUT_WIDTH >= (OUT_SIGNED ? 2 : 1) && OUT_WIDTH <= 16,
      ("join_add: OUT_WIDTH = %0d: 1..16, 2..16 if OUT_SIGNED = %0d", OUT_WIDTH, OUT_SIGNED))
  `SPEC_CHECK(ma, MA > -65536 && MA < 65536, ("join_add: MA = %0d: -65535..65535", MA))
  `SPEC_CHECK(mb, MB > -65536 && MB < 65536, ("join_add: MB = %0d: -65535..65535", MB))
  `SPEC_CHECK(bias, BIAS > -(1 << 30) && BIAS < 1 << 30,
              ("join_add: BIAS = %0d: below 2^30 each way", BIAS))
  `SPEC_CHECK(shift, SHIFT <= 31, ("join_add: SHIFT = %0d: at most 31", SHIFT))

  // Greatest magnitudes give the width of the sum.
  localparam int unsigned SIZE_A = MA < 0 ? -MA : MA;
  localparam int unsigned SIZE_B = MB < 0 ? -MB : MB;
  localparam int unsigned SIZE_BIAS = BIAS < 0 ? -BIAS : BIAS;
  localparam longint REACH = (64'(SIZE_A) << (IN_WIDTH_A > 16 ? 16 : IN_WIDTH_A)) +
      (64'(SIZE_B) << (IN_WIDTH_B > 16 ? 16 : IN_WIDTH_B)) + 64'(SIZE_BIAS);
  localparam int unsigned NEEDED = $clog2(REACH + 1) + 1;
  // Room for a window of OUT_WIDTH bits and a sign above the shift
  localparam int unsigned LEAST = SHIFT + OUT_WIDTH + 1;
  localparam int unsigned SUM_WIDTH = NEEDED > LEAST ? NEEDED : LEAST;
  localparam int unsigned WINDOW = SUM_WIDTH - SHIFT;
  // A power of two, or 0, needs no multiplier.
  localparam bit PLAIN_A = (SIZE_A & (SIZE_A - 1)) == 0 || SIZE_A == 0;
  localparam bit PLAIN_B = (SIZE_B & (SIZE_B - 1)) == 0 || SIZE_B == 0;
  localparam bit PLAIN = PLAIN_A && PLAIN_B;
  localparam int unsigned STAGES = PLAIN ? 1 : 3;

  logic en, take;
  assign en              = !m_axis_tvalid || m_axis_tready;
  assign take            = s_axis_a_tvalid && s_axis_b_tvalid;
  assign s_axis_a_tready = en && s_axis_b_tvalid;
  assign s_axis_b_tready = en && s_axis_a_tvalid;

  logic [STAGES-1:0] valid_q, last_q;
  assign m_axis_tvalid = valid_q[STAGES-1];
  assign m_axis_tlast  = last_q[STAGES-1];
  always_ff @(posedge clk) begin
    if (en) last_q <= STAGES'({last_q, s_axis_a_tlast});
    if (rst) valid_q <= '0;
    else if (en) valid_q <= STAGES'({valid_q, take});
  end

  for (genvar p = 0; p < PE; p++) begin : gen_lane
    logic signed [IN_WIDTH_A:0] a;
    logic signed [IN_WIDTH_B:0] b;
    assign a = $signed(
        {
          IN_SIGNED_A && s_axis_a_tdata[(p+1)*IN_WIDTH_A-1],
          s_axis_a_tdata[p*IN_WIDTH_A+:IN_WIDTH_A]
        }
    );
    assign b = $signed(
        {
          IN_SIGNED_B && s_axis_b_tdata[(p+1)*IN_WIDTH_B-1],
          s_axis_b_tdata[p*IN_WIDTH_B+:IN_WIDTH_B]
        }
    );

    // Bits below the shift are rounded away.
    // verilator lint_off UNUSEDSIGNAL
    logic signed [SUM_WIDTH-1:0] sum;
    // verilator lint_on UNUSEDSIGNAL
    if (PLAIN) begin : gen_plain
      logic signed [SUM_WIDTH-1:0] term_a, term_b;
      assign term_a = SIZE_A == 0 ? '0 : SUM_WIDTH'(a) <<< $clog2(SIZE_A);
      assign term_b = SIZE_B == 0 ? '0 : SUM_WIDTH'(b) <<< $clog2(SIZE_B);
      // The bias stands apart, so that without one there is a single adder.
      if (MA < 0 && MB < 0) begin : gen_minus
        assign sum = SUM_WIDTH'(BIAS) - term_a - term_b;
      end else if (MA < 0) begin : gen_minus_a
        assign sum = term_b - term_a + SUM_WIDTH'(BIAS);
      end else if (MB < 0) begin : gen_minus_b
        assign sum = term_a - term_b + SUM_WIDTH'(BIAS);
      end else begin : gen_plus
        assign sum = term_a + term_b + SUM_WIDTH'(BIAS);
      end
    end else begin : gen_multiply
      logic signed [SUM_WIDTH-1:0] a_q, b_q, sum_q;
      always_ff @(posedge clk) begin
        if (en) begin
          a_q   <= SUM_WIDTH'(a * 18'(MA));
          b_q   <= SUM_WIDTH'(b * 18'(MB)) + SUM_WIDTH'(BIAS);
          sum_q <= a_q + b_q;
        end
      end
      assign sum = sum_q;
    end

    logic signed [WINDOW-1:0] code;
    logic [OUT_WIDTH-1:0] out_q;
    assign code = sum[SUM_WIDTH-1:SHIFT];
    if (OUT_SIGNED) begin : gen_signed
      always_ff @(posedge clk) begin
        if (en) begin
          out_q <= code[WINDOW-1:OUT_WIDTH-1] == {(WINDOW - OUT_WIDTH + 1) {code[WINDOW-1]}} ?
              code[OUT_WIDTH-1:0] : {code[WINDOW-1], {(OUT_WIDTH - 1) {!code[WINDOW-1]}}};
        end
      end
    end else begin : gen_unsigned
      always_ff @(posedge clk) begin
        if (en) begin
          out_q <= code[WINDOW-1:OUT_WIDTH] == '0 ? code[OUT_WIDTH-1:0] :
              {OUT_WIDTH{!code[WINDOW-1]}};
        end
      end
    end
    assign m_axis_tdata[p*OUT_WIDTH+:OUT_WIDTH] = out_q;
  end

  if (OUT_STREAM_WIDTH > PE * OUT_WIDTH) begin : gen_pad
    assign m_axis_tdata[OUT_STREAM_WIDTH-1:PE*OUT_WIDTH] = '0;
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
