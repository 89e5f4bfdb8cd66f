// SPDX-License-Identifier: Apache-2.0
// Transpose of words: matrices, and the split and merge of attention heads.
//
//   m[b][a][i] = s[a][b][i]      word by word, a word is a beat of PE codes
//
// Streams   s_axis: (A, B, INNER) words, m_axis: (B, A, INNER)
// Rate      one beat a cycle: while a frame leaves one half of the memory the next fills the other
// Latency   A * B * INNER + 1 cycles from the first beat of a frame to its first beat out
// Golden    transpose.py
//
// Heads: (L, HEADS, D) -> (HEADS, L, D) is A = L, B = HEADS, INNER = D / PE; the way back swaps A
// and B. A matrix of codes: PE = 1, INNER = 1.
`default_nettype none
`include "checks.svh"

module transpose #(
    // Rows of the input
    parameter  int unsigned A            = 4,
    // Rows of the output
    parameter  int unsigned B            = 3,
    // Words that stay together
    parameter  int unsigned INNER        = 2,
    // Codes of a word
    parameter  int unsigned PE           = 2,
    // Bits of a code, 1 to 32
    parameter  int unsigned ELEM_WIDTH   = 4,
    // Memory of 2 * A * B * INNER words: "distributed", "block" or "ultra"
    parameter               RAM_STYLE    = "distributed",
    // Derived, do not set
    localparam int unsigned STREAM_WIDTH = (PE * ELEM_WIDTH + 7) / 8 * 8
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    // verilator lint_off UNUSEDSIGNAL
    // The upper bits fill the last byte.
    input  wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                    s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic      [STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  `SPEC_CHECK(a, A >= 1, ("transpose: A = %0d: at least 1", A))
  `SPEC_CHECK(b, B >= 1, ("transpose: B = %0d: at least 1", B))
  `SPEC_CHECK(inner, INNER >= 1, ("transpose: INNER = %0d: at least 1", INNER))
  `SPEC_CHECK(pe, PE >= 1, ("transpose: PE = %0d: at least 1", PE))
  `SPEC_CHECK(elem_width, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("transpose: ELEM_WIDTH = %0d: 1 to 32", ELEM_WIDTH))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("transpose: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  // Values that refuse to elaborate would hide the messages above: 1 stands in for 0.
  localparam int unsigned ROWS = A < 1 ? 1 : A;
  localparam int unsigned WORDS = INNER < 1 ? 1 : INNER;
  localparam int unsigned SIZE = ROWS * (B < 1 ? 1 : B) * WORDS;
  localparam int unsigned WORD_WIDTH = (PE < 1 ? 1 : PE) * (ELEM_WIDTH < 1 ? 1 : ELEM_WIDTH);
  localparam int unsigned INNER_WIDTH = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int unsigned ROW_WIDTH = ROWS > 1 ? $clog2(ROWS) : 1;
  localparam int unsigned ADDR_WIDTH = $clog2(2 * SIZE);
  typedef logic [ADDR_WIDTH-1:0] addr_t;
  localparam addr_t END0 = addr_t'(SIZE - 1);  // last word of either half, read and written
  localparam addr_t END1 = addr_t'(2 * SIZE - 1);
  // From the last word of (a, b) to the first of (a + 1, b), and from (A - 1, b) to (0, b + 1)
  localparam addr_t TO_ROW = addr_t'(SIZE / ROWS - WORDS + 1);
  localparam addr_t TO_COLUMN = addr_t'(SIZE / ROWS + 1 - SIZE);

  logic push, pull, filled, emptied;
  logic [1:0] full_q;  // halves that hold a frame

  // In: one word after another through both halves.
  addr_t waddr_q;
  assign s_axis_tready = !full_q[1];
  assign push          = s_axis_tvalid && s_axis_tready;
  assign filled        = push && (waddr_q == END0 || waddr_q == END1);
  always_ff @(posedge clk) begin
    if (rst) waddr_q <= '0;
    else if (push) waddr_q <= waddr_q == END1 ? '0 : waddr_q + 1'b1;
  end

  // Out: strides, of which the last of a frame leads into the other half.
  addr_t raddr_q, stride;
  logic [INNER_WIDTH-1:0] words_q;  // words of this (a, b) to come after this one
  logic [  ROW_WIDTH-1:0] rows_q;  // a to come after this one
  logic word_end, row_end, frame_end;
  assign pull      = (!m_axis_tvalid || m_axis_tready) && full_q != 0;
  assign word_end  = words_q == 0;
  assign row_end   = word_end && rows_q == 0;
  assign frame_end = raddr_q == END0 || raddr_q == END1;
  assign emptied   = pull && frame_end;
  always_comb begin
    if (!word_end || frame_end) stride = addr_t'(1);
    else stride = row_end ? TO_COLUMN : TO_ROW;
  end
  always_ff @(posedge clk) begin
    if (rst) begin
      raddr_q <= '0;
      words_q <= INNER_WIDTH'(WORDS - 1);
      rows_q  <= ROW_WIDTH'(ROWS - 1);
    end else if (pull) begin
      raddr_q <= raddr_q == END1 ? '0 : raddr_q + stride;
      words_q <= word_end ? INNER_WIDTH'(WORDS - 1) : words_q - 1'b1;
      if (word_end) rows_q <= row_end ? ROW_WIDTH'(ROWS - 1) : rows_q - 1'b1;
    end
  end

  logic [WORD_WIDTH-1:0] rdata;
  assign m_axis_tdata = STREAM_WIDTH'(rdata);
  always_ff @(posedge clk) begin
    if (pull) m_axis_tlast <= frame_end;
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      full_q        <= '0;
    end else begin
      if (!m_axis_tvalid || m_axis_tready) m_axis_tvalid <= pull;
      if (filled && !emptied) full_q <= full_q + 1'b1;
      else if (emptied && !filled) full_q <= full_q - 1'b1;
    end
  end

  ram #(
      .DEPTH(2 * SIZE),
      .WIDTH(WORD_WIDTH),
      .RAM_STYLE(RAM_STYLE)
  ) u_ram (
      .clk,
      .wen  (push),
      .waddr(waddr_q),
      .wdata(s_axis_tdata[WORD_WIDTH-1:0]),
      .ren  (pull),
      .raddr(raddr_q),
      .rdata
  );

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
