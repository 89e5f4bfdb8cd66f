// SPDX-License-Identifier: Apache-2.0
// Register slice: holds one beat, so that a source need not wait while its reader works on it.
//
//   m = s, in order
//
// Streams   s_axis and m_axis: STREAM_WIDTH bits and tlast
// Rate      one beat a cycle; with HALF_RATE one every other cycle
// Latency   1 cycle
// Golden    pipe.py
//
// It cuts the path of tdata and tvalid and takes no LUT a bit. With HALF_RATE it cuts that of tready
// too, since it takes a beat only while it is empty; `skid` does so at the full rate, for a LUT a bit.
`default_nettype none
`include "checks.svh"

module pipe #(
    // Width of tdata in bits
    parameter int unsigned STREAM_WIDTH = 8,
    // Takes a beat every other cycle at most, and registers tready
    parameter bit HALF_RATE = 1'b0
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                    s_axis_tlast,
    input  wire logic                    s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic      [STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  `SPEC_CHECK(width, STREAM_WIDTH >= 1 && STREAM_WIDTH % 8 == 0,
              ("pipe: STREAM_WIDTH = %0d: a positive multiple of 8", STREAM_WIDTH))

  always_ff @(posedge clk) begin
    if (s_axis_tready) {m_axis_tlast, m_axis_tdata} <= {s_axis_tlast, s_axis_tdata};
  end

  if (HALF_RATE) begin : gen_half
    // tready is the flip-flop itself, since chains of them begin here.
    logic empty_q;
    assign s_axis_tready = empty_q;
    assign m_axis_tvalid = !empty_q;
    always_ff @(posedge clk) begin
      if (rst) empty_q <= 1'b1;
      else empty_q <= empty_q ? !s_axis_tvalid : m_axis_tready;
    end
  end else begin : gen_full
    assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
    always_ff @(posedge clk) begin
      if (rst) m_axis_tvalid <= 1'b0;
      else if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid;
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
