// SPDX-License-Identifier: Apache-2.0
// Doubles a map in height and width by bilinear interpolation at half-pixel centres.
//
//   m[y, x, c] = (9 p + 3 q + 3 r + t + 8) >> 4, rounding to the nearest, halves upwards, where
//     p = s[i, j, c], q = s[i, l, c], r = s[k, j, c], t = s[k, l, c]
//     i = y / 2, k = i + (y odd ? 1 : -1), j = x / 2, l = j + (x odd ? 1 : -1),
//     k and l brought back to the map's edge
//
// First v = 3 s[i] + s[k] + 2 of two lines in two memories, then 3 v[j] + v[l] of two pixels, the
// earlier one kept in a small memory. Line i lies in memory i % 2, line 0 in both, which makes the
// upper edge no special case. While lines y = 2 i, of s[i] and s[i - 1], leave, line i + 1 takes
// the place of line i - 1, right behind the pixel that is being read; line 0 of the next frame does
// so during the last one.
//
// Streams   s_axis (IFM_H, IFM_W, NumChannels), m_axis (2 IFM_H, 2 IFM_W, NumChannels);
//           SIMD channels a beat
// Rate      one beat out a cycle; with IFM_W = 1 one cycle more a line in
// Latency   4 cycles
// Golden    upsample_bilinear.py
`default_nettype none
`include "checks.svh"

module upsample_bilinear #(
    // Lines of the map
    parameter int unsigned IFM_H = 8,
    // Pixels of a line
    parameter int unsigned IFM_W = 8,
    // Channels of a pixel
    parameter int unsigned NumChannels = 4,
    // Channels a beat
    parameter int unsigned SIMD = 1,
    // Bits of a code
    parameter int unsigned ELEM_WIDTH = 8,
    // Are codes two's complement?
    parameter bit SIGNED = 1'b0,
    // The lines: "distributed", "block" or "ultra"
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
  `SPEC_CHECK(ifm_h, IFM_H >= 1 && IFM_H <= 4096,
              ("upsample_bilinear: IFM_H = %0d: 1..4096", IFM_H))
  `SPEC_CHECK(ifm_w, IFM_W >= 1 && IFM_W <= 4096,
              ("upsample_bilinear: IFM_W = %0d: 1..4096", IFM_W))
  `SPEC_CHECK(channels, NumChannels >= 1 && NumChannels <= 4096,
              ("upsample_bilinear: NumChannels = %0d: 1..4096", NumChannels))
  `SPEC_CHECK(simd, SIMD >= 1 && NumChannels % (SIMD >= 1 ? SIMD : 1) == 0,
              ("upsample_bilinear: SIMD = %0d: divides NumChannels = %0d", SIMD, NumChannels))
  `SPEC_CHECK(
      elem, ELEM_WIDTH >= 1 + 32'(SIGNED) && ELEM_WIDTH <= 32,
      ("upsample_bilinear: ELEM_WIDTH = %0d: 1..32, from 2 where SIGNED = %0d", ELEM_WIDTH, SIGNED))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("upsample_bilinear: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  localparam int unsigned WORD_WIDTH = SIMD * ELEM_WIDTH;
  localparam int unsigned FOLD = NumChannels / (SIMD >= 1 ? SIMD : 1);
  localparam int unsigned WORDS = IFM_W * FOLD > 0 ? IFM_W * FOLD : 1;
  localparam int unsigned ADDR_WIDTH = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int unsigned FOLD_WIDTH = FOLD > 1 ? $clog2(FOLD) : 1;
  localparam int unsigned Y_WIDTH = IFM_H > 1 ? $clog2(IFM_H) : 1;
  // Memory A holds the map's last line.
  localparam bit A_ODD = IFM_H % 2 == 0;

  // Writing: the next word; is it of the line after those being read?
  logic [ADDR_WIDTH-1:0] waddr_q;
  logic ahead_q, room, put, put_end, put_odd, put_first;
  // Reading: the next word, the first one of its pixel, its channels; the line out, {y_q, odd_y_q};
  // of the column out no more than whether it is odd, the first or the last.
  logic [ADDR_WIDTH-1:0] raddr_q, base_q, raddr_next;
  logic [FOLD_WIDTH-1:0] fold_q;
  logic [   Y_WIDTH-1:0] y_q;
  logic odd_y_q, odd_x_q, left_q, right_q;
  logic en, have, get, fold_last, back, at_end, line_last, y_last, frees;

  // Even lines are the last to use the upper one of their two, the frame's last line both.
  assign y_last        = IFM_H == 1 || y_q == Y_WIDTH'(IFM_H - 1);
  assign frees         = y_last ? odd_y_q : !odd_y_q;
  assign room          = !ahead_q || (frees && waddr_q != base_q);
  assign s_axis_tready = room;
  assign put           = s_axis_tvalid && room;
  assign put_end       = WORDS == 1 || waddr_q == ADDR_WIDTH'(WORDS - 1);
  assign put_odd       = odd_y_q ? !y_q[0] : y_q[0] ^ ahead_q;
  assign put_first     = (y_last && odd_y_q) || (y_q == '0 && !odd_y_q && !ahead_q);

  assign en            = !m_axis_tvalid || m_axis_tready;
  assign have          = ahead_q || waddr_q != raddr_q;
  assign get           = en && have;
  assign fold_last     = FOLD == 1 || fold_q == FOLD_WIDTH'(FOLD - 1);
  assign at_end        = WORDS == 1 || raddr_q == ADDR_WIDTH'(WORDS - 1);
  assign line_last     = fold_last && right_q;
  // Pixel j is read for column 2 j - 1, again for 2 j; the line's last one once more.
  assign back          = fold_last && (odd_x_q || at_end);
  assign raddr_next    = (back ? base_q : raddr_q) + ADDR_WIDTH'(!back);

  always_ff @(posedge clk) begin
    if (rst) begin
      waddr_q <= '0;
      ahead_q <= 1'b0;
      raddr_q <= '0;
      base_q  <= '0;
      fold_q  <= '0;
      y_q     <= '0;
      odd_y_q <= 1'b0;
      odd_x_q <= 1'b0;
      left_q  <= 1'b1;
      right_q <= 1'b0;
    end else begin
      // The line's last word is never written in the cycle in which a line has been read.
      if (put) begin
        waddr_q <= put_end ? '0 : waddr_q + 1'b1;
        if (put_end) ahead_q <= 1'b1;
      end
      if (get) begin
        fold_q  <= fold_last ? '0 : fold_q + 1'b1;
        raddr_q <= raddr_next;
        if (fold_last) begin
          odd_x_q <= !odd_x_q;
          left_q  <= right_q;
          right_q <= !odd_x_q && at_end;
          base_q  <= raddr_next;
        end
        if (line_last) begin
          raddr_q <= '0;
          base_q  <= '0;
          odd_y_q <= !odd_y_q;
          if (odd_y_q) y_q <= y_last ? '0 : y_q + 1'b1;
          if (frees) ahead_q <= 1'b0;
        end
      end
    end
  end

  // The pipeline: words of both lines, sum of the two, sum of two pixels.
  logic valid_1_q, bottom_1_q, a_centre_1_q, odd_1_q, left_1_q, last_1_q;
  logic valid_2_q, odd_2_q, left_2_q, last_2_q;

  always_ff @(posedge clk) begin
    if (en) begin
      bottom_1_q   <= y_last && odd_y_q;
      a_centre_1_q <= IFM_H == 1 || y_q[0] == A_ODD;
      odd_1_q      <= odd_x_q;
      left_1_q     <= left_q;
      last_1_q     <= y_last && odd_y_q && line_last;
      odd_2_q      <= odd_1_q;
      left_2_q     <= left_1_q;
      last_2_q     <= last_1_q;
      m_axis_tlast <= last_2_q;
    end
    if (rst) begin
      valid_1_q     <= 1'b0;
      valid_2_q     <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end else if (en) begin
      valid_1_q     <= have;
      valid_2_q     <= valid_1_q;
      m_axis_tvalid <= valid_2_q;
    end
  end

  logic [WORD_WIDTH-1:0] a, b;

  ram #(
      .DEPTH(WORDS),
      .WIDTH(WORD_WIDTH),
      .RAM_STYLE(RAM_STYLE)
  ) u_line_a (
      .clk,
      .wen  (put && (put_odd == A_ODD || put_first)),
      .waddr(waddr_q),
      .wdata(s_axis_tdata[WORD_WIDTH-1:0]),
      .ren  (get),
      .raddr(raddr_q),
      .rdata(a)
  );

  ram #(
      .DEPTH(WORDS),
      .WIDTH(WORD_WIDTH),
      .RAM_STYLE(RAM_STYLE)
  ) u_line_b (
      .clk,
      .wen  (put && (put_odd != A_ODD || put_first)),
      .waddr(waddr_q),
      .wdata(s_axis_tdata[WORD_WIDTH-1:0]),
      .ren  (get),
      .raddr(raddr_q),
      .rdata(b)
  );

  // Bits of v and of a pixel's v's
  localparam int unsigned V_WIDTH = ELEM_WIDTH + 2;
  localparam int unsigned E = ELEM_WIDTH;
  logic [SIMD*V_WIDTH-1:0] v, v_q, earlier;
  logic [WORD_WIDTH-1:0] sum;

  // Each adder takes at most two more signals a bit than its sum: that is one LUT a bit.
  for (genvar s = 0; s < SIMD; s++) begin : gen_lane
    logic [E-1:0] la, lb, lc;
    logic [E:0] two;
    logic [E+1:0] va, vb, vc;
    logic [E+2:0] four;
    // What remains of the sum after the shift.
    // verilator lint_off UNUSEDSIGNAL
    logic [E+2:0] eight;
    // verilator lint_on UNUSEDSIGNAL

    // v = (a + b) + 2 centre + 2, the last by subtracting the complement
    assign la = a[s*E+:E];
    assign lb = bottom_1_q ? la : b[s*E+:E];
    assign lc = a_centre_1_q ? la : b[s*E+:E];
    assign two = {SIGNED && la[E-1], la} + {SIGNED && lb[E-1], lb};
    assign v[s*V_WIDTH+:V_WIDTH] = {
      {SIGNED && two[E], two[E:1]} - ~{SIGNED && lc[E-1], lc}, two[0]
    };

    assign va = v_q[s*V_WIDTH+:V_WIDTH];
    assign vb = left_2_q ? va : earlier[s*V_WIDTH+:V_WIDTH];
    assign vc = odd_2_q ? earlier[s*V_WIDTH+:V_WIDTH] : va;
    assign four = {SIGNED && va[E+1], va} + {SIGNED && vb[E+1], vb};
    assign eight = {SIGNED && four[E+2], four[E+2:1]} + {SIGNED && vc[E+1], vc};
    assign sum[s*E+:E] = eight[E+2:3];
  end

  always_ff @(posedge clk) begin
    if (en) begin
      v_q          <= v;
      m_axis_tdata <= STREAM_WIDTH'(sum);
    end
  end

  // The pixel before, kept while both columns between the two are made.
  if (FOLD == 1) begin : gen_no_fold
    always_ff @(posedge clk) if (en && valid_2_q && !odd_2_q) earlier <= v_q;
  end else begin : gen_fold
    logic [FOLD_WIDTH-1:0] fold_1_q, fold_2_q;
    always_ff @(posedge clk) begin
      if (en) begin
        fold_1_q <= fold_q;
        fold_2_q <= fold_1_q;
      end
    end
    ram #(
        .DEPTH(FOLD),
        .WIDTH(SIMD * V_WIDTH),
        .RAM_STYLE(FOLD <= 64 ? "distributed" : "block")
    ) u_pixel (
        .clk,
        .wen  (en && valid_2_q && !odd_2_q),
        .waddr(fold_2_q),
        .wdata(v_q),
        .ren  (en),
        .raddr(fold_1_q),
        .rdata(earlier)
    );
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
