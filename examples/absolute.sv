// SPDX-License-Identifier: Apache-2.0
// Absolute value of codes, saturated: m = min(|s|, 127).
//
// Streams   s_axis and m_axis: PE signed codes of 8 bits a beat, and tlast
// Rate      one beat a cycle
// Latency   1 cycle
// Golden    own_kernel.py
`default_nettype none
`include "checks.svh"

module absolute #(
    // Codes of a beat
    parameter int unsigned PE = 2
) (
    input  wire logic            clk,
    input  wire logic            rst,
    input  wire logic [8*PE-1:0] s_axis_tdata,
    input  wire logic            s_axis_tlast,
    input  wire logic            s_axis_tvalid,
    output logic                 s_axis_tready,
    output logic      [8*PE-1:0] m_axis_tdata,
    output logic                 m_axis_tlast,
    output logic                 m_axis_tvalid,
    input  wire logic            m_axis_tready
);
  `SPEC_CHECK(pe, PE >= 1, ("absolute: PE = %0d: at least 1", PE))

  assign s_axis_tready = !m_axis_tvalid || m_axis_tready;

  for (genvar i = 0; i < PE; i++) begin : gen_lane
    logic [7:0] code;
    assign code = s_axis_tdata[8*i+:8];
    always_ff @(posedge clk) begin
      if (s_axis_tready) m_axis_tdata[8*i+:8] <= code == 8'h80 ? 8'h7f : code[7] ? -code : code;
    end
  end

  always_ff @(posedge clk) begin
    if (s_axis_tready) m_axis_tlast <= s_axis_tlast;
    if (rst) m_axis_tvalid <= 1'b0;
    else if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid;
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
