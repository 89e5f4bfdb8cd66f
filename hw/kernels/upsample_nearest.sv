// SPDX-License-Identifier: Apache-2.0
// Doubles a map in height and width by repeating pixels and lines.
//
//   m[y, x, c] = s[y / 2, x / 2, c]
//
// One line is kept. It is sent twice; during the second time the next line takes its place, right
// behind the pixel that is being read, so that a steady source need not wait.
//
// Streams   s_axis (IFM_H, IFM_W, NumChannels), m_axis (2 IFM_H, 2 IFM_W, NumChannels);
//           SIMD channels a beat
// Rate      one beat out a cycle; with IFM_W = 1 one cycle more a line in
// Latency   2 cycles
// Golden    upsample_nearest.py
`default_nettype none
`include "checks.svh"

module upsample_nearest #(
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
    // The line: "distributed", "block" or "ultra"
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
  `SPEC_CHECK(ifm_h, IFM_H >= 1 && IFM_H <= 4096, ("upsample_nearest: IFM_H = %0d: 1..4096", IFM_H))
  `SPEC_CHECK(ifm_w, IFM_W >= 1 && IFM_W <= 4096, ("upsample_nearest: IFM_W = %0d: 1..4096", IFM_W))
  `SPEC_CHECK(channels, NumChannels >= 1 && NumChannels <= 4096,
              ("upsample_nearest: NumChannels = %0d: 1..4096", NumChannels))
  `SPEC_CHECK(simd, SIMD >= 1 && NumChannels % (SIMD >= 1 ? SIMD : 1) == 0,
              ("upsample_nearest: SIMD = %0d: divides NumChannels = %0d", SIMD, NumChannels))
  `SPEC_CHECK(elem, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("upsample_nearest: ELEM_WIDTH = %0d: 1..32", ELEM_WIDTH))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("upsample_nearest: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  localparam int unsigned WORD_WIDTH = SIMD * ELEM_WIDTH;
  localparam int unsigned FOLD = NumChannels / (SIMD >= 1 ? SIMD : 1);
  localparam int unsigned WORDS = IFM_W * FOLD > 0 ? IFM_W * FOLD : 1;
  localparam int unsigned ADDR_WIDTH = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int unsigned FOLD_WIDTH = FOLD > 1 ? $clog2(FOLD) : 1;
  localparam int unsigned Y_WIDTH = IFM_H > 1 ? $clog2(IFM_H) : 1;

  // Writing: the next word; is it of the line after the one being read?
  logic [ADDR_WIDTH-1:0] waddr_q;
  logic ahead_q, room, put, put_end;
  // Reading: the next word, the first one of its pixel, its channels, its line; is it the pixel's
  // second time, the line's second time?
  logic [ADDR_WIDTH-1:0] raddr_q, base_q, raddr_next;
  logic [FOLD_WIDTH-1:0] fold_q;
  logic [   Y_WIDTH-1:0] y_q;
  logic pixel_again_q, line_again_q;
  logic en, have, get, fold_last, back, at_end, line_last, y_last;

  // What comes next may only replace pixels that have been read for the last time.
  assign room          = !ahead_q || (line_again_q && waddr_q != base_q);
  assign s_axis_tready = room;
  assign put           = s_axis_tvalid && room;
  assign put_end       = WORDS == 1 || waddr_q == ADDR_WIDTH'(WORDS - 1);

  assign en            = !m_axis_tvalid || m_axis_tready;
  assign have          = ahead_q || waddr_q != raddr_q;
  assign get           = en && have;
  assign fold_last     = FOLD == 1 || fold_q == FOLD_WIDTH'(FOLD - 1);
  assign at_end        = WORDS == 1 || raddr_q == ADDR_WIDTH'(WORDS - 1);
  assign line_last     = at_end && pixel_again_q;
  assign y_last        = IFM_H == 1 || y_q == Y_WIDTH'(IFM_H - 1);
  assign back          = fold_last && !pixel_again_q;
  assign raddr_next    = (back ? base_q : raddr_q) + ADDR_WIDTH'(!back);

  always_ff @(posedge clk) begin
    if (rst) begin
      waddr_q       <= '0;
      ahead_q       <= 1'b0;
      raddr_q       <= '0;
      base_q        <= '0;
      fold_q        <= '0;
      y_q           <= '0;
      pixel_again_q <= 1'b0;
      line_again_q  <= 1'b0;
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
          pixel_again_q <= !pixel_again_q;
          if (pixel_again_q) base_q <= raddr_next;
        end
        if (line_last) begin
          raddr_q      <= '0;
          base_q       <= '0;
          line_again_q <= !line_again_q;
          if (line_again_q) begin
            ahead_q <= 1'b0;
            y_q     <= y_last ? '0 : y_q + 1'b1;
          end
        end
      end
    end
  end

  always_ff @(posedge clk) begin
    if (get) m_axis_tlast <= line_last && line_again_q && y_last;
    if (rst) m_axis_tvalid <= 1'b0;
    else if (en) m_axis_tvalid <= have;
  end

  logic [WORD_WIDTH-1:0] word;
  assign m_axis_tdata = STREAM_WIDTH'(word);

  ram #(
      .DEPTH(WORDS),
      .WIDTH(WORD_WIDTH),
      .RAM_STYLE(RAM_STYLE)
  ) u_line (
      .clk,
      .wen  (put),
      .waddr(waddr_q),
      .wdata(s_axis_tdata[WORD_WIDTH-1:0]),
      .ren  (get),
      .raddr(raddr_q),
      .rdata(word)
  );

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
