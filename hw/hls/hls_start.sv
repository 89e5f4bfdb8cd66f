// SPDX-License-Identifier: Apache-2.0
// Starts an HLS IP over its AXI4-Lite registers, once after each reset: ap_start and auto_restart, so
// that it takes frame after frame as their beats come, as a SystemVerilog accelerator does.
//
// Writes    0x81 at offset 0, the IP's control register (UG1399, "S_AXILITE Control Register Map")
// Latency   1 cycle from the end of reset to valid
`default_nettype none

module hls_start (
    input wire logic clk,
    input wire logic rst,

    output logic      [ 3:0] m_axi_awaddr,
    output logic             m_axi_awvalid,
    input  wire logic        m_axi_awready,
    output logic      [31:0] m_axi_wdata,
    output logic      [ 3:0] m_axi_wstrb,
    output logic             m_axi_wvalid,
    input  wire logic        m_axi_wready,
    output logic             m_axi_bready
);
  localparam logic [31:0] AP_START = 32'h01, AUTO_RESTART = 32'h80;

  logic begun;

  assign m_axi_awaddr = '0;
  assign m_axi_wdata  = AP_START | AUTO_RESTART;
  assign m_axi_wstrb  = '1;
  assign m_axi_bready = 1'b1;

  always_ff @(posedge clk) begin
    if (rst) begin
      {begun, m_axi_awvalid, m_axi_wvalid} <= 3'b000;
    end else if (!begun) begin
      {begun, m_axi_awvalid, m_axi_wvalid} <= 3'b111;
    end else begin
      if (m_axi_awready) m_axi_awvalid <= 1'b0;
      if (m_axi_wready) m_axi_wvalid <= 1'b0;
    end
  end
endmodule

`default_nettype wire
