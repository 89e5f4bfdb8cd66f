// SPDX-License-Identifier: Apache-2.0
// The mover with transaction IDs at its memory port, which a memory's model asks for: all are 0.
`default_nettype none

module mover_bench #(
    parameter int unsigned READS = 4,
    parameter int unsigned WRITES = 4,
    parameter int unsigned SETTINGS = 1,
    parameter int unsigned QUEUE = 4,
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned BURST_BYTES = 256,
    parameter int unsigned FIFO_BYTES = 512,
    parameter int unsigned OUTSTANDING = 8
) (
    input  wire logic                               clk,
    input  wire logic                               rst,
    input  wire logic [registers::ADDRESS_BITS-1:0] s_axi_control_awaddr,
    input  wire logic                               s_axi_control_awvalid,
    output logic                                    s_axi_control_awready,
    input  wire logic [                       31:0] s_axi_control_wdata,
    input  wire logic [                        3:0] s_axi_control_wstrb,
    input  wire logic                               s_axi_control_wvalid,
    output logic                                    s_axi_control_wready,
    output logic      [                        1:0] s_axi_control_bresp,
    output logic                                    s_axi_control_bvalid,
    input  wire logic                               s_axi_control_bready,
    input  wire logic [registers::ADDRESS_BITS-1:0] s_axi_control_araddr,
    input  wire logic                               s_axi_control_arvalid,
    output logic                                    s_axi_control_arready,
    output logic      [                       31:0] s_axi_control_rdata,
    output logic      [                        1:0] s_axi_control_rresp,
    output logic                                    s_axi_control_rvalid,
    input  wire logic                               s_axi_control_rready,
    output logic                                    o_irq,
    output logic                                    o_rst,
    output logic      [                        0:0] m_axi_arid,
    output logic      [                       39:0] m_axi_araddr,
    output logic      [                        7:0] m_axi_arlen,
    output logic      [                        2:0] m_axi_arsize,
    output logic      [                        1:0] m_axi_arburst,
    output logic                                    m_axi_arvalid,
    input  wire logic                               m_axi_arready,
    input  wire logic [                        0:0] m_axi_rid,
    input  wire logic [           WORD_BYTES*8-1:0] m_axi_rdata,
    input  wire logic [                        1:0] m_axi_rresp,
    input  wire logic                               m_axi_rlast,
    input  wire logic                               m_axi_rvalid,
    output logic                                    m_axi_rready,
    output logic      [                        0:0] m_axi_awid,
    output logic      [                       39:0] m_axi_awaddr,
    output logic      [                        7:0] m_axi_awlen,
    output logic      [                        2:0] m_axi_awsize,
    output logic      [                        1:0] m_axi_awburst,
    output logic                                    m_axi_awvalid,
    input  wire logic                               m_axi_awready,
    output logic      [           WORD_BYTES*8-1:0] m_axi_wdata,
    output logic      [             WORD_BYTES-1:0] m_axi_wstrb,
    output logic                                    m_axi_wlast,
    output logic                                    m_axi_wvalid,
    input  wire logic                               m_axi_wready,
    input  wire logic [                        0:0] m_axi_bid,
    input  wire logic [                        1:0] m_axi_bresp,
    input  wire logic                               m_axi_bvalid,
    output logic                                    m_axi_bready,
    output logic      [                READS*8-1:0] m_axis_tdata,
    output logic      [                  READS-1:0] m_axis_tlast,
    output logic      [                  READS-1:0] m_axis_tvalid,
    input  wire logic [                  READS-1:0] m_axis_tready,
    input  wire logic [               WRITES*8-1:0] s_axis_tdata,
    input  wire logic [                 WRITES-1:0] s_axis_tlast,
    input  wire logic [                 WRITES-1:0] s_axis_tvalid,
    output logic      [                 WRITES-1:0] s_axis_tready,
    output logic      [            SETTINGS*32-1:0] m_axis_setting_tdata,
    output logic      [               SETTINGS-1:0] m_axis_setting_tvalid,
    input  wire logic [               SETTINGS-1:0] m_axis_setting_tready
);
  assign m_axi_arid = '0;
  assign m_axi_awid = '0;

  mover #(
      .READS(READS),
      .WRITES(WRITES),
      .SETTINGS(SETTINGS),
      .QUEUE(QUEUE),
      .WORD_BYTES(WORD_BYTES),
      .BURST_BYTES(BURST_BYTES),
      .FIFO_BYTES(FIFO_BYTES),
      .OUTSTANDING(OUTSTANDING)
  ) u_mover (
      .*
  );
endmodule

`default_nettype wire
