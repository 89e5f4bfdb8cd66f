// SPDX-License-Identifier: Apache-2.0
// CRC-32 of a frame (IEEE 802.3, as zlib's crc32): what two ends compare to know that a stream came
// through whole.
//
//   r = 0xffffffff; for each bit d, lowest first: r = (r >> 1) ^ (0xedb88320 if r[0] ^ d else 0)
//   m = ~r after the frame's last bit
//
// Streams   s_axis: STREAM_WIDTH bits and tlast, m_axis: one beat of 32 bits a frame, which
//           stays on tdata when it has been taken, until the next frame's
// Rate      one beat a cycle
// Latency   1 cycle from the frame's last beat
// Golden    crc.py
`default_nettype none
`include "checks.svh"

module crc #(
    // Width of tdata in bits
    parameter int unsigned STREAM_WIDTH = 8
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                    s_axis_tlast,
    input  wire logic                    s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic      [            31:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  `SPEC_CHECK(width, STREAM_WIDTH >= 1 && STREAM_WIDTH % 8 == 0,
              ("crc: STREAM_WIDTH = %0d: a positive multiple of 8", STREAM_WIDTH))

  localparam logic [31:0] POLYNOMIAL = 32'hedb88320;  // lowest bit first

  logic [31:0] sum_q, sum;
  logic take;

  assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
  assign m_axis_tlast  = 1'b1;
  assign take          = s_axis_tvalid && s_axis_tready;

  always_comb begin
    sum = sum_q;
    for (int unsigned i = 0; i < STREAM_WIDTH; i++) begin
      sum = (sum >> 1) ^ (sum[0] ^ s_axis_tdata[i] ? POLYNOMIAL : '0);
    end
  end

  always_ff @(posedge clk) begin
    if (take && s_axis_tlast) m_axis_tdata <= ~sum;
    if (rst) begin
      sum_q         <= '1;
      m_axis_tvalid <= 1'b0;
    end else begin
      if (take) sum_q <= s_axis_tlast ? '1 : sum;
      if (s_axis_tready) m_axis_tvalid <= take && s_axis_tlast;
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
