// SPDX-License-Identifier: Apache-2.0
// Split of channels: of each pixel the first CA channels to one stream, the other CB to another.
//
//   (m_0[n], m_1[n]) = s[n]
//
// Streams   s_axis: (N, CA + CB) codes, m_axis_0: (N, CA), m_axis_1: (N, CB); PE codes a beat
// Rate      one beat a cycle. Beats leave in order: one that waits holds up the other stream
// Latency   1 cycle
// Golden    split.py
`default_nettype none
`include "checks.svh"

module split #(
    // Pixels or tokens of a frame
    parameter  int unsigned N          = 16,
    // Channels of m_axis_0
    parameter  int unsigned CA         = 2,
    // Channels of m_axis_1
    parameter  int unsigned CB         = 4,
    // Codes of a beat
    parameter  int unsigned PE         = 2,
    // Bits of a code, 1 to 32
    parameter  int unsigned ELEM_WIDTH = 4,
    // Derived, do not set
    localparam int unsigned WIDTH      = (PE * ELEM_WIDTH + 7) / 8 * 8
) (
    input  wire logic             clk,
    input  wire logic             rst,
    // verilator lint_off UNUSEDSIGNAL
    // The upper bits fill the last byte.
    input  wire logic [WIDTH-1:0] s_axis_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic             s_axis_tvalid,
    output logic                  s_axis_tready,
    output logic      [WIDTH-1:0] m_axis_0_tdata,
    output logic                  m_axis_0_tlast,
    output logic                  m_axis_0_tvalid,
    input  wire logic             m_axis_0_tready,
    output logic      [WIDTH-1:0] m_axis_1_tdata,
    output logic                  m_axis_1_tlast,
    output logic                  m_axis_1_tvalid,
    input  wire logic             m_axis_1_tready
);
  localparam int unsigned Lanes = PE < 1 ? 1 : PE;  // keeps bad parameters readable
  `SPEC_CHECK(n, N >= 1, ("split: N = %0d: at least 1", N))
  `SPEC_CHECK(pe, PE >= 1, ("split: PE = %0d: at least 1", PE))
  `SPEC_CHECK(ca, CA >= 1 && CA % Lanes == 0,
              ("split: CA = %0d: a positive multiple of PE = %0d", CA, PE))
  `SPEC_CHECK(cb, CB >= 1 && CB % Lanes == 0,
              ("split: CB = %0d: a positive multiple of PE = %0d", CB, PE))
  `SPEC_CHECK(elem_width, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("split: ELEM_WIDTH = %0d: 1 to 32", ELEM_WIDTH))

  localparam int unsigned Bits = Lanes * (ELEM_WIDTH < 1 ? 1 : ELEM_WIDTH);
  localparam int unsigned BeatsA = CA < Lanes ? 1 : CA / Lanes;
  localparam int unsigned BeatsB = CB < Lanes ? 1 : CB / Lanes;
  localparam int unsigned Most = BeatsA > BeatsB ? BeatsA : BeatsB;
  localparam int unsigned CountWidth = Most > 1 ? $clog2(Most) : 1;
  localparam int unsigned Pixels = N < 1 ? 1 : N;
  localparam int unsigned PixelWidth = Pixels > 1 ? $clog2(Pixels) : 1;

  logic [CountWidth-1:0] left_q;  // beats of this pixel that the stream still has to get, less 1
  logic [PixelWidth-1:0] pixels_q;  // pixels to come after this one
  logic second_q;  // whose turn it is
  logic [Bits-1:0] data_q;
  logic last_q, en, turn, last;

  // One register for both: only one of them has a beat on offer at a time.
  assign en = !(m_axis_0_tvalid && !m_axis_0_tready || m_axis_1_tvalid && !m_axis_1_tready);
  assign turn = left_q == 0;
  assign last = turn && pixels_q == 0;
  assign s_axis_tready = en;
  assign m_axis_0_tdata = WIDTH'(data_q);
  assign m_axis_1_tdata = WIDTH'(data_q);
  assign m_axis_0_tlast = last_q;
  assign m_axis_1_tlast = last_q;

  always_ff @(posedge clk) begin
    if (en) begin
      data_q <= s_axis_tdata[Bits-1:0];
      last_q <= last;
    end
    if (rst) begin
      m_axis_0_tvalid <= 1'b0;
      m_axis_1_tvalid <= 1'b0;
      second_q        <= 1'b0;
      left_q          <= CountWidth'(BeatsA - 1);
      pixels_q        <= PixelWidth'(Pixels - 1);
    end else if (en) begin
      m_axis_0_tvalid <= s_axis_tvalid && !second_q;
      m_axis_1_tvalid <= s_axis_tvalid && second_q;
      if (s_axis_tvalid) begin
        if (turn) begin
          second_q <= !second_q;
          left_q   <= second_q ? CountWidth'(BeatsA - 1) : CountWidth'(BeatsB - 1);
        end else begin
          left_q <= left_q - 1'b1;
        end
        if (turn && second_q) pixels_q <= last ? PixelWidth'(Pixels - 1) : pixels_q - 1'b1;
      end
    end
  end

  `STREAM_CHECK(m_axis_0)
  `STREAM_CHECK(m_axis_1)
endmodule

`default_nettype wire
