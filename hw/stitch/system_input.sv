// SPDX-License-Identifier: Apache-2.0
// Input channel of a system: leads the host's stream to the accelerator that owns the channel, one
// frame a run.
//
// Each stream that uses the channel has an owner, {loading, graph}, and a length. The one whose
// owner is i_owner is chosen; a run of a graph that does not use the channel leaves it shut.
// Only the handshake and tlast pass here, tdata goes by.
//
// Rate      one beat a cycle
// Latency   none: valid and ready pass within the cycle, while open (system_gate.sv)
`default_nettype none

module system_input #(
    // Streams that use the channel
    parameter int unsigned USES = 1,
    // Their owners, the first stream's lowest
    parameter logic [USES-1:0][8:0] OWNERS = '0,
    // Beats of their frames, or of a group of rows, less 2, two's complement
    parameter logic [USES-1:0][24:0] BEATS = '0,
    // Rows of a group where i_length counts the frame's rows, else 0
    parameter logic [USES-1:0][15:0] ROWS = '0
) (
    input wire logic clk,
    input wire logic rst,

    // The run begins with the next cycle; owner and length are constant from here to its end
    input wire logic        i_start,
    input wire logic [ 8:0] i_owner,
    input wire logic [15:0] i_length,

    input  wire logic            s_axis_tlast,
    input  wire logic            s_axis_tvalid,
    output logic                 s_axis_tready,
    output logic                 m_axis_tlast,
    output logic      [USES-1:0] m_axis_tvalid,
    input  wire logic [USES-1:0] m_axis_tready,

    // Beats of the run are still to come
    output logic o_open,
    // tlast came before the frame's last beat, did not come with it
    output logic o_early,
    output logic o_late
);
  logic [USES-1:0] chosen;
  logic [24:0] beats;
  logic [15:0] rows;
  logic tvalid;

  always_comb begin
    beats = '0;
    rows  = '0;
    for (int unsigned i = 0; i < USES; i++) begin
      chosen[i] = i_owner == OWNERS[i];
      if (chosen[i]) begin
        beats = BEATS[i];
        rows  = ROWS[i];
      end
    end
  end

  assign m_axis_tvalid = {USES{tvalid}} & chosen;

  system_gate #(
      .RAGGED(ROWS != '0)
  ) u_gate (
      .clk,
      .rst,
      .i_start      (i_start && |chosen),
      .i_beats      (beats),
      .i_rows       (rows),
      .i_length,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tlast,
      .m_axis_tvalid(tvalid),
      .m_axis_tready(|(m_axis_tready & chosen)),
      .o_open,
      .o_early,
      .o_late
  );
endmodule

`default_nettype wire
