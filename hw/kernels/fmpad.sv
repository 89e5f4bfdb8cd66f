// SPDX-License-Identifier: Apache-2.0
// Zero padding of a map (FINN's FMPadding).
//
//   m[y, x, c] = s[y - PAD_TOP, x - PAD_LEFT, c] inside the map, 0 around it
//
// Streams   s_axis (IFM_H, IFM_W, NumChannels), m_axis (PAD_TOP + IFM_H + PAD_BOTTOM,
//           PAD_LEFT + IFM_W + PAD_RIGHT, NumChannels); SIMD channels a beat
// Rate      one beat out a cycle
// Latency   1 cycle; a frame's first zeros leave when its first beat is on offer
// Golden    fmpad.py
`default_nettype none
`include "checks.svh"

module fmpad #(
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
    // Lines of zeros above and below
    parameter int unsigned PAD_TOP = 1,
    parameter int unsigned PAD_BOTTOM = 1,
    // Pixels of zeros left and right
    parameter int unsigned PAD_LEFT = 1,
    parameter int unsigned PAD_RIGHT = 1,
    // Derived, do not set
    localparam int unsigned STREAM_WIDTH = (SIMD * ELEM_WIDTH + 7) / 8 * 8
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                    s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic      [STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  `SPEC_CHECK(ifm_h, IFM_H >= 1 && IFM_H <= 4096, ("fmpad: IFM_H = %0d: 1..4096", IFM_H))
  `SPEC_CHECK(ifm_w, IFM_W >= 1 && IFM_W <= 4096, ("fmpad: IFM_W = %0d: 1..4096", IFM_W))
  `SPEC_CHECK(channels, NumChannels >= 1 && NumChannels <= 4096,
              ("fmpad: NumChannels = %0d: 1..4096", NumChannels))
  `SPEC_CHECK(simd, SIMD >= 1 && NumChannels % (SIMD >= 1 ? SIMD : 1) == 0,
              ("fmpad: SIMD = %0d: divides NumChannels = %0d", SIMD, NumChannels))
  `SPEC_CHECK(elem, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("fmpad: ELEM_WIDTH = %0d: 1..32", ELEM_WIDTH))
  `SPEC_CHECK(top, PAD_TOP <= 255, ("fmpad: PAD_TOP = %0d: at most 255", PAD_TOP))
  `SPEC_CHECK(bottom, PAD_BOTTOM <= 255, ("fmpad: PAD_BOTTOM = %0d: at most 255", PAD_BOTTOM))
  `SPEC_CHECK(left, PAD_LEFT <= 255, ("fmpad: PAD_LEFT = %0d: at most 255", PAD_LEFT))
  `SPEC_CHECK(right, PAD_RIGHT <= 255, ("fmpad: PAD_RIGHT = %0d: at most 255", PAD_RIGHT))

  // Beats: of a pixel, before a line's first code, through its last, through its zeros
  localparam int unsigned FOLD = NumChannels / (SIMD >= 1 ? SIMD : 1);
  localparam int unsigned X_FIRST = PAD_LEFT * FOLD;
  localparam int unsigned X_END = X_FIRST + IFM_W * FOLD;
  localparam int unsigned X_ALL = X_END + PAD_RIGHT * FOLD;
  localparam int unsigned Y_END = PAD_TOP + IFM_H;
  localparam int unsigned Y_ALL = Y_END + PAD_BOTTOM;
  localparam int unsigned X_WIDTH = X_ALL > 1 ? $clog2(X_ALL) : 1;
  localparam int unsigned Y_WIDTH = Y_ALL > 1 ? $clog2(Y_ALL) : 1;

  // The next beat out: where it stands, whether it is within the map's columns and lines.
  logic [X_WIDTH-1:0] x_q;
  logic [Y_WIDTH-1:0] y_q;
  logic x_in_q, y_in_q, first_q;
  logic x_last, last, in_map, en, go;

  assign x_last        = x_q == X_WIDTH'(X_ALL - 1);
  assign last          = x_last && y_q == Y_WIDTH'(Y_ALL - 1);
  assign in_map        = x_in_q && y_in_q;
  assign en            = !m_axis_tvalid || m_axis_tready;
  // No frame begins before there is one.
  assign go            = s_axis_tvalid || !(in_map || first_q);
  assign s_axis_tready = en && in_map;

  always_ff @(posedge clk) begin
    if (en && go) begin
      m_axis_tdata <= in_map ? s_axis_tdata : '0;
      m_axis_tlast <= last;
    end
    if (rst) begin
      x_q           <= '0;
      y_q           <= '0;
      x_in_q        <= PAD_LEFT == 0;
      y_in_q        <= PAD_TOP == 0;
      first_q       <= 1'b1;
      m_axis_tvalid <= 1'b0;
    end else if (en) begin
      m_axis_tvalid <= go;
      if (go) begin
        first_q <= last;
        x_q     <= x_last ? '0 : x_q + 1'b1;
        // Set and cleared at single values, which takes fewer LUTs than comparing for order.
        if (x_last) x_in_q <= PAD_LEFT == 0;
        else if (PAD_LEFT > 0 && x_q == X_WIDTH'(X_FIRST - 1)) x_in_q <= 1'b1;
        else if (x_q == X_WIDTH'(X_END - 1)) x_in_q <= 1'b0;
        if (x_last) begin
          y_q <= last ? '0 : y_q + 1'b1;
          if (last) y_in_q <= PAD_TOP == 0;
          else if (PAD_TOP > 0 && y_q == Y_WIDTH'(PAD_TOP - 1)) y_in_q <= 1'b1;
          else if (y_q == Y_WIDTH'(Y_END - 1)) y_in_q <= 1'b0;
        end
      end
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
