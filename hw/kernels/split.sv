// SPDX-License-Identifier: Apache-2.0
// Split of channels: of each pixel the first NumChannels0 channels to one stream, the other
// NumChannels1 to another.
//
//   (m_0[n], m_1[n]) = s[n]
//
// Streams   s_axis: (N, NumChannels0 + NumChannels1) codes, m_axis_0: (N, NumChannels0),
//           m_axis_1: (N, NumChannels1); PE codes a beat
// Rate      one beat a cycle. Beats leave in order: one that waits holds up the other stream
// Latency   1 cycle
// Golden    split.py
`default_nettype none
`include "checks.svh"

module split #(
    // Pixels or tokens of a frame
    parameter  int unsigned N            = 16,
    // Channels of m_axis_0
    parameter  int unsigned NumChannels0 = 2,
    // Channels of m_axis_1
    parameter  int unsigned NumChannels1 = 4,
    // Codes of a beat
    parameter  int unsigned PE           = 2,
    // Bits of a code, 1 to 32
    parameter  int unsigned ELEM_WIDTH   = 4,
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
    output logic      [STREAM_WIDTH-1:0] m_axis_0_tdata,
    output logic                         m_axis_0_tlast,
    output logic                         m_axis_0_tvalid,
    input  wire logic                    m_axis_0_tready,
    output logic      [STREAM_WIDTH-1:0] m_axis_1_tdata,
    output logic                         m_axis_1_tlast,
    output logic                         m_axis_1_tvalid,
    input  wire logic                    m_axis_1_tready
);
  localparam int unsigned LANES = PE < 1 ? 1 : PE;  // keeps bad parameters readable
  `SPEC_CHECK(n, N >= 1, ("split: N = %0d: at least 1", N))
  `SPEC_CHECK(pe, PE >= 1, ("split: PE = %0d: at least 1", PE))
  `SPEC_CHECK(channels_0, NumChannels0 >= 1 && NumChannels0 % LANES == 0,
              ("split: NumChannels0 = %0d: a positive multiple of PE = %0d", NumChannels0, PE))
  `SPEC_CHECK(channels_1, NumChannels1 >= 1 && NumChannels1 % LANES == 0,
              ("split: NumChannels1 = %0d: a positive multiple of PE = %0d", NumChannels1, PE))
  `SPEC_CHECK(elem_width, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("split: ELEM_WIDTH = %0d: 1 to 32", ELEM_WIDTH))

  localparam int unsigned WORD_WIDTH = LANES * (ELEM_WIDTH < 1 ? 1 : ELEM_WIDTH);
  localparam int unsigned BEATS_0 = NumChannels0 < LANES ? 1 : NumChannels0 / LANES;
  localparam int unsigned BEATS_1 = NumChannels1 < LANES ? 1 : NumChannels1 / LANES;
  localparam int unsigned MOST = BEATS_0 > BEATS_1 ? BEATS_0 : BEATS_1;
  localparam int unsigned COUNT_WIDTH = MOST > 1 ? $clog2(MOST) : 1;
  localparam int unsigned PIXELS = N < 1 ? 1 : N;
  localparam int unsigned PIXEL_WIDTH = PIXELS > 1 ? $clog2(PIXELS) : 1;

  logic [COUNT_WIDTH-1:0] left_q;  // beats of this pixel that the stream still has to get, less 1
  logic [PIXEL_WIDTH-1:0] pixels_q;  // pixels to come after this one
  logic second_q;  // whose turn it is
  logic [WORD_WIDTH-1:0] data_q;
  logic last_q, en, turn, last;

  // One register for both: only one of them has a beat on offer at a time.
  assign en = !(m_axis_0_tvalid && !m_axis_0_tready || m_axis_1_tvalid && !m_axis_1_tready);
  assign turn = left_q == 0;
  assign last = turn && pixels_q == 0;
  assign s_axis_tready = en;
  assign m_axis_0_tdata = STREAM_WIDTH'(data_q);
  assign m_axis_1_tdata = STREAM_WIDTH'(data_q);
  assign m_axis_0_tlast = last_q;
  assign m_axis_1_tlast = last_q;

  always_ff @(posedge clk) begin
    if (en) begin
      data_q <= s_axis_tdata[WORD_WIDTH-1:0];
      last_q <= last;
    end
    if (rst) begin
      m_axis_0_tvalid <= 1'b0;
      m_axis_1_tvalid <= 1'b0;
      second_q        <= 1'b0;
      left_q          <= COUNT_WIDTH'(BEATS_0 - 1);
      pixels_q        <= PIXEL_WIDTH'(PIXELS - 1);
    end else if (en) begin
      m_axis_0_tvalid <= s_axis_tvalid && !second_q;
      m_axis_1_tvalid <= s_axis_tvalid && second_q;
      if (s_axis_tvalid) begin
        if (turn) begin
          second_q <= !second_q;
          left_q   <= second_q ? COUNT_WIDTH'(BEATS_0 - 1) : COUNT_WIDTH'(BEATS_1 - 1);
        end else begin
          left_q <= left_q - 1'b1;
        end
        if (turn && second_q) pixels_q <= last ? PIXEL_WIDTH'(PIXELS - 1) : pixels_q - 1'b1;
      end
    end
  end

  `STREAM_CHECK(m_axis_0)
  `STREAM_CHECK(m_axis_1)
endmodule

`default_nettype wire
