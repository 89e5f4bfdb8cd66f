// SPDX-License-Identifier: Apache-2.0
// Rounded quotients of each row's codes and the row's divisor: the end of attention.
//
//   y[m][i] = clip(floor(n[m][i] / d[m] + 1/2 + 2^-TIE))
//
// d is at least 1. M is whatever s_axis_n carries up to tlast.
//
// Streams   s_axis_n: rows of DIM codes, PE lanes, tlast at the end of the frame
//           s_axis_d: one beat a row, taken with the row's last beat of s_axis_n
//           m_axis: rows of DIM codes, PE lanes, tlast at the end of the frame
// Rate      one beat in CYCLES cycles
// Latency   OUT_WIDTH + 1 cycles
// Golden    divide.py
//
// n / d + 1/2 + 2^-TIE = (n + h) / d with h = (d + d / 2^(TIE-1)) / 2, whose fractions no floor
// sees. Then non-restoring division, see common/quotient.sv. Its serial form keeps r or, so that
// all steps are additions, its complement: u = r if r < 0, else -1 - r. Then u + d * 2^k is the
// next r, or -1 minus it.
`default_nettype none
`include "checks.svh"

module divide #(
    // Bits of n, two's complement
    parameter int unsigned N_WIDTH = 20,
    // Bits of d, unsigned
    parameter int unsigned D_WIDTH = 12,
    // Bits of y
    parameter int unsigned OUT_WIDTH = 8,
    // y is two's complement
    parameter bit SIGNED = 1'b1,
    // Codes of a row
    parameter int unsigned DIM = 8,
    // Codes of a row worked on at once
    parameter int unsigned PE = 1,
    // Halves go up, and so do quotients up to 2^-TIE below them
    parameter int unsigned TIE = 12,
    // Clock cycles a beat: OUT_WIDTH (one bit of the quotient a cycle) or 1 (pipelined)
    parameter int unsigned CYCLES = 8,
    // Derived, do not set
    localparam int unsigned N_STREAM_WIDTH = ((PE * N_WIDTH + 7) / 8) * 8,
    localparam int unsigned D_STREAM_WIDTH = ((D_WIDTH + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PE * OUT_WIDTH + 7) / 8) * 8
) (
    input  wire logic                        clk,
    input  wire logic                        rst,
    // Beats are filled up with bits that nobody reads.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [  N_STREAM_WIDTH-1:0] s_axis_n_tdata,
    input  wire logic                        s_axis_n_tlast,
    input  wire logic                        s_axis_n_tvalid,
    output logic                             s_axis_n_tready,
    input  wire logic [  D_STREAM_WIDTH-1:0] s_axis_d_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                        s_axis_d_tvalid,
    output logic                             s_axis_d_tready,
    output logic      [OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                             m_axis_tlast,
    output logic                             m_axis_tvalid,
    input  wire logic                        m_axis_tready
);
  localparam int unsigned LANES = PE == 0 ? 1 : PE;
  localparam int unsigned BEATS = DIM > LANES ? DIM / LANES : 1;
  // Widths never below what the text needs, whatever the parameters
  localparam int unsigned Q_WIDTH = OUT_WIDTH < 2 ? 2 : OUT_WIDTH;
  // Of the offset, two's complement: h, less d * 2^(OUT_WIDTH-1) where y is unsigned
  localparam int unsigned OFFSET_WIDTH = D_WIDTH + (SIGNED ? 1 : Q_WIDTH);

  `SPEC_CHECK(n_width, N_WIDTH >= 2 && N_WIDTH <= 32, ("divide: N_WIDTH = %0d: 2..32", N_WIDTH))
  `SPEC_CHECK(d_width, D_WIDTH >= 1 && D_WIDTH <= 32, ("divide: D_WIDTH = %0d: 1..32", D_WIDTH))
  `SPEC_CHECK(out_width, OUT_WIDTH >= 2 && OUT_WIDTH <= 16,
              ("divide: OUT_WIDTH = %0d: 2..16", OUT_WIDTH))
  `SPEC_CHECK(dim, DIM >= 1 && DIM % LANES == 0,
              ("divide: DIM = %0d: a positive multiple of PE = %0d", DIM, PE))
  `SPEC_CHECK(pe, PE >= 1, ("divide: PE = %0d: at least 1", PE))
  `SPEC_CHECK(tie, TIE >= 1 && TIE <= 16, ("divide: TIE = %0d: 1..16", TIE))
  `SPEC_CHECK(cycles, CYCLES == 1 || CYCLES == OUT_WIDTH,
              ("divide: CYCLES = %0d: 1 or OUT_WIDTH = %0d", CYCLES, OUT_WIDTH))

  logic [D_WIDTH-1:0] d, half;
  logic [OFFSET_WIDTH-1:0] offset;
  logic take, row_last;

  assign d = s_axis_d_tdata[D_WIDTH-1:0];
  assign half = D_WIDTH'(((D_WIDTH + 1)'(d) + (D_WIDTH + 1)'(d >> (TIE - 1))) >> 1);
  assign offset = OFFSET_WIDTH'(half) - (SIGNED ? '0 : OFFSET_WIDTH'(d) << (Q_WIDTH - 1));
  assign take = s_axis_n_tvalid && s_axis_n_tready;
  assign s_axis_d_tready = take && row_last;

  if (BEATS == 1) begin : gen_single
    assign row_last = 1'b1;
  end else begin : gen_count
    localparam int unsigned BEAT_WIDTH = $clog2(BEATS);
    logic [BEAT_WIDTH-1:0] beat_q;
    assign row_last = beat_q == BEAT_WIDTH'(BEATS - 1);
    always_ff @(posedge clk) begin
      if (rst || (take && row_last)) beat_q <= '0;
      else if (take) beat_q <= beat_q + 1'b1;
    end
  end

  // Quotients plus 2^(OUT_WIDTH-1)
  logic [PE*Q_WIDTH-1:0] quotients;

  if (CYCLES == 1) begin : gen_pipelined
    logic en;
    assign en              = !m_axis_tvalid || m_axis_tready;
    assign s_axis_n_tready = en && s_axis_d_tvalid;
    quotient #(
        .PE(PE),
        .N_WIDTH(N_WIDTH),
        .D_WIDTH(D_WIDTH),
        .OFFSET_WIDTH(OFFSET_WIDTH),
        .OUT_WIDTH(Q_WIDTH)
    ) u_quotient (
        .clk,
        .rst,
        .en,
        .i_valid (take),
        .i_tag   (s_axis_n_tlast),
        .i_n     (s_axis_n_tdata[PE*N_WIDTH-1:0]),
        .i_d     (d),
        .i_offset(offset),
        .o_valid (m_axis_tvalid),
        .o_tag   (m_axis_tlast),
        .o_q     (quotients)
    );
  end else begin : gen_serial
    localparam int unsigned SUM = (N_WIDTH > OFFSET_WIDTH ? N_WIDTH : OFFSET_WIDTH) + 1;
    localparam int unsigned R_WIDTH = SUM > D_WIDTH + Q_WIDTH - 1 ? SUM : D_WIDTH + Q_WIDTH - 1;

    // What is added next: the offset while waiting for a beat, then d * 2^k for each step
    logic [R_WIDTH-1:0] addend_q;
    // addend_q is the offset of the divisor on offer
    logic armed_q;
    // One 1 runs through the steps
    logic [Q_WIDTH-2:0] step_q;
    logic busy_q;

    assign s_axis_n_tready = armed_q && (!m_axis_tvalid || m_axis_tready);

    always_ff @(posedge clk) begin
      if (take) begin
        addend_q     <= R_WIDTH'(d) << (Q_WIDTH - 2);
        m_axis_tlast <= s_axis_n_tlast;
      end else if (busy_q && !step_q[Q_WIDTH-2]) addend_q <= addend_q >> 1;
      else addend_q <= R_WIDTH'($signed(offset));
      if (rst) begin
        armed_q       <= 1'b0;
        step_q        <= '0;
        busy_q        <= 1'b0;
        m_axis_tvalid <= 1'b0;
      end else begin
        armed_q <= s_axis_d_tvalid && !take && (!busy_q || step_q[Q_WIDTH-2]);
        step_q  <= (Q_WIDTH - 1)'({step_q, take});
        busy_q  <= take || (busy_q && !step_q[Q_WIDTH-2]);
        if (step_q[Q_WIDTH-2]) m_axis_tvalid <= 1'b1;
        else if (m_axis_tready) m_axis_tvalid <= 1'b0;
      end
    end

    for (genvar p = 0; p < PE; p++) begin : gen_lane
      logic signed [N_WIDTH-1:0] n;
      // r or -1 - r; the quotient's bits so far
      logic [R_WIDTH-1:0] r_q;
      logic [Q_WIDTH-2:0] q_q;
      logic flip, is_positive;

      assign n           = s_axis_n_tdata[p*N_WIDTH+:N_WIDTH];
      assign flip        = !r_q[R_WIDTH-1];
      // Each complement swaps the meaning of the sign.
      assign is_positive = q_q[0] ^ flip;

      always_ff @(posedge clk) begin
        // The addend comes first: the second operand takes no LUTs of its own.
        if (take || busy_q) r_q <= addend_q + (take ? R_WIDTH'(n) : r_q ^ {R_WIDTH{flip}});
        if (take) q_q[0] <= 1'b0;
        else if (busy_q) q_q <= (Q_WIDTH - 1)'({q_q, is_positive});
      end

      assign quotients[p*Q_WIDTH+:Q_WIDTH] = {q_q, is_positive};
    end
  end

  always_comb begin
    m_axis_tdata = '0;
    for (int unsigned p = 0; p < PE; p++) begin
      m_axis_tdata[p*OUT_WIDTH+:OUT_WIDTH] = OUT_WIDTH'(quotients[p*Q_WIDTH+:Q_WIDTH]);
      if (SIGNED) m_axis_tdata[(p+1)*OUT_WIDTH-1] = !quotients[(p+1)*Q_WIDTH-1];
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
