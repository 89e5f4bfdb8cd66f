// SPDX-License-Identifier: Apache-2.0
// Fork (FINN's DuplicateStreams): one stream to two readers, each at its own pace.
//
//   m_0 = m_1 = s, in order
//
// Streams   s_axis, m_axis_0 and m_axis_1: STREAM_WIDTH bits and tlast
// Rate      one beat a cycle. A reader takes a beat when it likes; the next one comes when both
//           have
// Latency   1 cycle
// Golden    duplicate.py
//
// No tvalid depends on a tready in the same cycle, so readers that wait for each other find both
// their beats on offer. More readers than two are served by a tree of these.
`default_nettype none
`include "checks.svh"

module duplicate #(
    // Width of tdata in bits
    parameter int unsigned STREAM_WIDTH = 8
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                    s_axis_tlast,
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
  `SPEC_CHECK(width, STREAM_WIDTH >= 1 && STREAM_WIDTH % 8 == 0,
              ("duplicate: STREAM_WIDTH = %0d: a positive multiple of 8", STREAM_WIDTH))

  // One beat for both; each tvalid says whether its reader still has to take it.
  logic [STREAM_WIDTH-1:0] data_q;
  logic                    last_q;
  logic wait_0, wait_1;

  assign {m_axis_0_tlast, m_axis_0_tdata} = {last_q, data_q};
  assign {m_axis_1_tlast, m_axis_1_tdata} = {last_q, data_q};
  assign wait_0                           = m_axis_0_tvalid && !m_axis_0_tready;
  assign wait_1                           = m_axis_1_tvalid && !m_axis_1_tready;
  assign s_axis_tready                    = !wait_0 && !wait_1;

  always_ff @(posedge clk) begin
    if (s_axis_tready) {last_q, data_q} <= {s_axis_tlast, s_axis_tdata};
    if (rst) begin
      m_axis_0_tvalid <= 1'b0;
      m_axis_1_tvalid <= 1'b0;
    end else begin
      m_axis_0_tvalid <= s_axis_tready ? s_axis_tvalid : wait_0;
      m_axis_1_tvalid <= s_axis_tready ? s_axis_tvalid : wait_1;
    end
  end

  `STREAM_CHECK(m_axis_0)
  `STREAM_CHECK(m_axis_1)
endmodule

`default_nettype wire
