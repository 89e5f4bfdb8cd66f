// SPDX-License-Identifier: Apache-2.0
// Concatenation of channels: of each pixel all channels of one stream, then all of the other.
//
//   m[n] = (s_0[n], s_1[n])
//
// Streams   s_axis_0: (N, NumChannels0) codes, s_axis_1: (N, NumChannels1) with tlast,
//           m_axis: (N, NumChannels0 + NumChannels1); PE codes a beat. N is whatever ends with
//           s_axis_1's tlast
// Rate      one beat a cycle
// Latency   1 cycle
// Golden    concat.py
`default_nettype none
`include "checks.svh"

module concat #(
    // Channels of s_axis_0
    parameter  int unsigned NumChannels0 = 2,
    // Channels of s_axis_1
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
    // The upper bits of tdata fill the last byte.
    input  wire logic [STREAM_WIDTH-1:0] s_axis_0_tdata,
    input  wire logic                    s_axis_0_tvalid,
    output logic                         s_axis_0_tready,
    input  wire logic [STREAM_WIDTH-1:0] s_axis_1_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                    s_axis_1_tlast,
    input  wire logic                    s_axis_1_tvalid,
    output logic                         s_axis_1_tready,
    output logic      [STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  localparam int unsigned LANES = PE < 1 ? 1 : PE;  // keeps bad parameters readable
  `SPEC_CHECK(pe, PE >= 1, ("concat: PE = %0d: at least 1", PE))
  `SPEC_CHECK(channels_0, NumChannels0 >= 1 && NumChannels0 % LANES == 0,
              ("concat: NumChannels0 = %0d: a positive multiple of PE = %0d", NumChannels0, PE))
  `SPEC_CHECK(channels_1, NumChannels1 >= 1 && NumChannels1 % LANES == 0,
              ("concat: NumChannels1 = %0d: a positive multiple of PE = %0d", NumChannels1, PE))
  `SPEC_CHECK(elem_width, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("concat: ELEM_WIDTH = %0d: 1 to 32", ELEM_WIDTH))

  localparam int unsigned WORD_WIDTH = LANES * (ELEM_WIDTH < 1 ? 1 : ELEM_WIDTH);
  localparam int unsigned BEATS_0 = NumChannels0 < LANES ? 1 : NumChannels0 / LANES;
  localparam int unsigned BEATS_1 = NumChannels1 < LANES ? 1 : NumChannels1 / LANES;
  localparam int unsigned MOST = BEATS_0 > BEATS_1 ? BEATS_0 : BEATS_1;
  localparam int unsigned COUNT_WIDTH = MOST > 1 ? $clog2(MOST) : 1;

  logic [COUNT_WIDTH-1:0] left_q;  // beats of this pixel that the stream still has to give, less 1
  logic second_q;  // whose turn it is
  logic [WORD_WIDTH-1:0] data_q;
  logic en, valid;

  assign en              = !m_axis_tvalid || m_axis_tready;
  assign valid           = second_q ? s_axis_1_tvalid : s_axis_0_tvalid;
  assign s_axis_0_tready = en && !second_q;
  assign s_axis_1_tready = en && second_q;
  assign m_axis_tdata    = STREAM_WIDTH'(data_q);

  always_ff @(posedge clk) begin
    if (en) begin
      data_q       <= second_q ? s_axis_1_tdata[WORD_WIDTH-1:0] : s_axis_0_tdata[WORD_WIDTH-1:0];
      m_axis_tlast <= second_q && s_axis_1_tlast;
    end
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      second_q      <= 1'b0;
      left_q        <= COUNT_WIDTH'(BEATS_0 - 1);
    end else if (en) begin
      m_axis_tvalid <= valid;
      if (valid && left_q == 0) begin
        second_q <= !second_q;
        left_q   <= second_q ? COUNT_WIDTH'(BEATS_0 - 1) : COUNT_WIDTH'(BEATS_1 - 1);
      end else if (valid) begin
        left_q <= left_q - 1'b1;
      end
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
