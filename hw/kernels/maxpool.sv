// SPDX-License-Identifier: Apache-2.0
// Maximum over squares of a map that do not overlap (FINN's StreamingMaxPool).
//
//   m[y, x, c] = max over 0 <= i, j < KERNEL of s[y * KERNEL + i, x * KERNEL + j, c]
//
// Lines and pixels beyond the last whole square are read and dropped. One line of maxima so far is
// kept, a word a beat of it.
//
// Streams   s_axis (IFM_H, IFM_W, NumChannels), m_axis (IFM_H / KERNEL, IFM_W / KERNEL,
//           NumChannels); SIMD channels a beat
// Rate      one beat in a cycle
// Latency   1 cycle from the last beat of a square
// Golden    maxpool.py
`default_nettype none
`include "checks.svh"

module maxpool #(
    // Lines of the map
    parameter int unsigned IFM_H = 8,
    // Pixels of a line
    parameter int unsigned IFM_W = 8,
    // Channels of a pixel
    parameter int unsigned NumChannels = 4,
    // Channels a beat
    parameter int unsigned SIMD = 1,
    // Lines and pixels of a square
    parameter int unsigned KERNEL = 2,
    // Bits of a code
    parameter int unsigned ELEM_WIDTH = 8,
    // Are codes two's complement?
    parameter bit SIGNED = 1'b0,
    // Line of maxima: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "distributed",
    // Derived, do not set
    localparam int unsigned STREAM_WIDTH = (SIMD * ELEM_WIDTH + 7) / 8 * 8
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    // Its padding is not looked at.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                    s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic      [STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  `SPEC_CHECK(ifm_h, IFM_H >= 1 && IFM_H <= 4096, ("maxpool: IFM_H = %0d: 1..4096", IFM_H))
  `SPEC_CHECK(ifm_w, IFM_W >= 1 && IFM_W <= 4096, ("maxpool: IFM_W = %0d: 1..4096", IFM_W))
  `SPEC_CHECK(channels, NumChannels >= 1 && NumChannels <= 4096,
              ("maxpool: NumChannels = %0d: 1..4096", NumChannels))
  `SPEC_CHECK(simd, SIMD >= 1 && NumChannels % (SIMD >= 1 ? SIMD : 1) == 0,
              ("maxpool: SIMD = %0d: divides NumChannels = %0d", SIMD, NumChannels))
  `SPEC_CHECK(kernel, KERNEL >= 2 && KERNEL <= IFM_H && KERNEL <= IFM_W,
              ("maxpool: KERNEL = %0d: 2..min(IFM_H = %0d, IFM_W = %0d)", KERNEL, IFM_H, IFM_W))
  `SPEC_CHECK(elem, ELEM_WIDTH >= 1 + 32'(SIGNED) && ELEM_WIDTH <= 32,
              ("maxpool: ELEM_WIDTH = %0d: 1..32, from 2 where SIGNED = %0d", ELEM_WIDTH, SIGNED))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("maxpool: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  localparam int unsigned WORD_WIDTH = SIMD * ELEM_WIDTH;
  localparam int unsigned FOLD = NumChannels / (SIMD >= 1 ? SIMD : 1);
  localparam int unsigned SIDE = KERNEL >= 1 ? KERNEL : 1;
  localparam int unsigned OFM_H = IFM_H / SIDE;
  localparam int unsigned OFM_W = IFM_W / SIDE;
  localparam int unsigned REST_H = IFM_H % SIDE;
  localparam int unsigned REST_W = IFM_W % SIDE;
  localparam int unsigned WORDS = OFM_W * FOLD > 0 ? OFM_W * FOLD : 1;
  localparam int unsigned ADDR_WIDTH = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int unsigned FOLD_WIDTH = FOLD > 1 ? $clog2(FOLD) : 1;
  localparam int unsigned SIDE_WIDTH = SIDE > 1 ? $clog2(SIDE) : 1;
  localparam int unsigned Y_WIDTH = $clog2(OFM_H + 1) > 0 ? $clog2(OFM_H + 1) : 1;

  // The next beat in: its channels, pixel and line within its square, its word, the square's first
  // word, the line of squares; is it right of the last square?
  logic [FOLD_WIDTH-1:0] fold_q;
  logic [SIDE_WIDTH-1:0] dx_q, dy_q;
  logic [ADDR_WIDTH-1:0] addr_q, base_q, addr_next;
  logic [Y_WIDTH-1:0] y_q;
  logic               rest_q;
  logic en, take, fold_last, dx_last, dy_last, back, at_end, line_last, map_last;

  assign en            = !m_axis_tvalid || m_axis_tready;
  assign take          = s_axis_tvalid && en;
  assign s_axis_tready = en;

  assign fold_last     = FOLD == 1 || fold_q == FOLD_WIDTH'(FOLD - 1);
  assign dx_last       = dx_q == SIDE_WIDTH'(SIDE - 1);
  assign dy_last       = dy_q == SIDE_WIDTH'(SIDE - 1);
  assign at_end        = WORDS == 1 || addr_q == ADDR_WIDTH'(WORDS - 1);
  assign back          = fold_last && !dx_last;
  assign addr_next     = (back ? base_q : addr_q) + ADDR_WIDTH'(!back);
  // What is left over is less than a square, so that it never comes to dx_last or dy_last.
  if (REST_W == 0) begin : gen_whole_line
    assign line_last = at_end && dx_last;
  end else begin : gen_rest_of_line
    assign line_last = rest_q && fold_last && dx_q == SIDE_WIDTH'(REST_W - 1);
  end
  if (REST_H == 0) begin : gen_whole_map
    assign map_last = dy_last && y_q == Y_WIDTH'(OFM_H - 1);
  end else begin : gen_rest_of_map
    assign map_last = y_q == Y_WIDTH'(OFM_H) && dy_q == SIDE_WIDTH'(REST_H - 1);
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      fold_q <= '0;
      dx_q   <= '0;
      dy_q   <= '0;
      addr_q <= '0;
      base_q <= '0;
      y_q    <= '0;
      rest_q <= 1'b0;
    end else if (take) begin
      fold_q <= fold_last ? '0 : fold_q + 1'b1;
      addr_q <= addr_next;
      if (fold_last) begin
        dx_q <= dx_last || line_last ? '0 : dx_q + 1'b1;
        if (dx_last) begin
          base_q <= addr_next;
          if (at_end) begin
            addr_q <= '0;
            base_q <= '0;
            rest_q <= REST_W > 0;
          end
        end
      end
      if (line_last) begin
        addr_q <= '0;
        rest_q <= 1'b0;
        dy_q   <= dy_last || map_last ? '0 : dy_q + 1'b1;
        if (map_last) y_q <= '0;
        else if (dy_last) y_q <= y_q + 1'b1;
      end
    end
  end

  // The beat taken last: compared with the maximum so far of its word, which it replaces. While no
  // beat follows the same word is written again and again.
  logic [WORD_WIDTH-1:0] new_q, old, best;
  logic first_q;

  always_ff @(posedge clk) begin
    if (take) begin
      new_q        <= s_axis_tdata[WORD_WIDTH-1:0];
      first_q      <= dx_q == '0 && dy_q == '0;
      m_axis_tlast <= at_end && y_q == Y_WIDTH'(OFM_H - 1);
    end
    if (rst) m_axis_tvalid <= 1'b0;
    else if (en) m_axis_tvalid <= s_axis_tvalid && dx_last && dy_last;
  end

  for (genvar s = 0; s < SIMD; s++) begin : gen_lane
    localparam int unsigned TOP = (s + 1) * ELEM_WIDTH - 1;
    logic [ELEM_WIDTH-1:0] flip, a, b;
    logic take_new;
    // Signed codes compare like unsigned ones once their sign is inverted.
    assign flip = ELEM_WIDTH'(SIGNED) << (ELEM_WIDTH - 1);
    assign a = new_q[TOP-:ELEM_WIDTH];
    assign b = old[TOP-:ELEM_WIDTH];
    assign take_new = first_q || (a ^ flip) > (b ^ flip);
    assign best[TOP-:ELEM_WIDTH] = take_new ? a : b;
  end
  assign m_axis_tdata = STREAM_WIDTH'(best);

  if (WORDS == 1) begin : gen_word
    // A beat that is dropped does not count.
    logic rest_was_q;
    always_ff @(posedge clk) begin
      if (take) begin
        rest_was_q <= rest_q;
        if (!rest_was_q) old <= best;
      end
    end
  end else begin : gen_line
    logic [ADDR_WIDTH-1:0] addr_was_q;
    logic rest_was_q, read;
    logic [WORD_WIDTH-1:0] word;

    always_ff @(posedge clk) begin
      if (take) begin
        addr_was_q <= addr_q;
        rest_was_q <= rest_q;
      end
    end

    if (FOLD == 1) begin : gen_no_fold
      // A pixel's only word is the one still being written: the maximum goes round.
      logic [WORD_WIDTH-1:0] best_q;
      logic                  inner_q;
      always_ff @(posedge clk) begin
        if (take) begin
          best_q  <= best;
          inner_q <= dx_q != '0;
        end
      end
      assign read = take && dx_q == '0;
      assign old  = inner_q ? best_q : word;
    end else begin : gen_fold
      assign read = take;
      assign old  = word;
    end

    ram #(
        .DEPTH(WORDS),
        .WIDTH(WORD_WIDTH),
        .RAM_STYLE(RAM_STYLE)
    ) u_line (
        .clk,
        .wen  (!rest_was_q),
        .waddr(addr_was_q),
        .wdata(best),
        .ren  (read),
        .raddr(addr_q),
        .rdata(word)
    );
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
