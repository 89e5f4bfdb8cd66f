// SPDX-License-Identifier: Apache-2.0
// Exponentials of a row of scores relative to its maximum, and their sum: softmax up to the
// division.
//
//   e[m][l] = table[max_l s[m][l] - s[m][l]]          sum[m] = sum_l e[m][l]
//
// L, 1..LENGTH, is set for each frame where RAGGED; M is whatever s_axis carries up to tlast. Lanes
// beyond L in a row's last beat may hold anything; they take no part, and their e is 0.
//
// Streams   s_axis_length: L, one beat a frame, taken with the frame's last beat; only if RAGGED
//           s_axis: rows of scores, ceil(L / PE) beats, PE lanes, tlast at the end of the frame
//           m_axis: rows of e, as many beats, PE lanes, tlast at the end of the frame
//           m_axis_sum: one beat a row, on offer together with the row's last beat of m_axis. It
//           may be taken before that beat, with it or after it, up to the next row's last beat,
//           which waits for it
// Rate      one beat a cycle, row after row, for rows of any length
// Latency   a row's beats and 3 cycles, 5 if RAGGED
// Golden    rowexp.py
//
// Two row buffers: a row is written and its maximum found while the one before is read.
`default_nettype none
`include "checks.svh"

module rowexp #(
    // Bits of a score, two's complement
    parameter int unsigned IN_WIDTH = 8,
    // Bits of e, unsigned
    parameter int unsigned OUT_WIDTH = 8,
    // Greatest L, in codes
    parameter int unsigned LENGTH = 16,
    // Codes of a row worked on at once
    parameter int unsigned PE = 1,
    // L comes in s_axis_length; else it is LENGTH
    parameter bit RAGGED = 1'b0,
    // Row buffers: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "distributed",
    // Tables, one a lane or, in block RAM, one a pair of lanes: "distributed" or "block"
    parameter ROM_STYLE = "distributed",
    // Bits of a sum, unsigned
    parameter int unsigned SUM_WIDTH = 12,
    // The table's 2^IN_WIDTH values in $readmemh's format
    parameter INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned LENGTH_STREAM_WIDTH = (($clog2(LENGTH + 1) + 7) / 8) * 8,
    localparam int unsigned IN_STREAM_WIDTH = ((PE * IN_WIDTH + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PE * OUT_WIDTH + 7) / 8) * 8,
    localparam int unsigned SUM_STREAM_WIDTH = ((SUM_WIDTH + 7) / 8) * 8
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    // Beats are filled up with bits that nobody reads; RAGGED = 0 reads no length.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [LENGTH_STREAM_WIDTH-1:0] s_axis_length_tdata,
    input  wire logic                           s_axis_length_tvalid,
    output logic                                s_axis_length_tready,
    input  wire logic [    IN_STREAM_WIDTH-1:0] s_axis_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                           s_axis_tlast,
    input  wire logic                           s_axis_tvalid,
    output logic                                s_axis_tready,
    output logic      [   OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                                m_axis_tlast,
    output logic                                m_axis_tvalid,
    input  wire logic                           m_axis_tready,
    output logic      [   SUM_STREAM_WIDTH-1:0] m_axis_sum_tdata,
    output logic                                m_axis_sum_tvalid,
    input  wire logic                           m_axis_sum_tready
);
  // Beats of the longest row; never 0, whatever the parameters.
  localparam int unsigned LANES = PE == 0 ? 1 : PE;
  localparam int unsigned BEATS = LENGTH > LANES ? LENGTH / LANES : 1;
  // Bits of a column
  localparam int unsigned COLUMN_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1;
  // Bits of the sum of a beat of e
  localparam int unsigned BEAT_SUM_WIDTH = OUT_WIDTH + $clog2(LANES);
  // Bits of a column plus 1, which may be the length
  localparam int unsigned NEXT_WIDTH = RAGGED ? $clog2(BEATS + 1) : COLUMN_WIDTH;

  `SPEC_CHECK(in_width, IN_WIDTH >= 2 && IN_WIDTH <= 8, ("rowexp: IN_WIDTH = %0d: 2..8", IN_WIDTH))
  `SPEC_CHECK(out_width, OUT_WIDTH >= 1 && OUT_WIDTH <= 8,
              ("rowexp: OUT_WIDTH = %0d: 1..8", OUT_WIDTH))
  `SPEC_CHECK(length, LENGTH >= 1 && LENGTH <= 65536 && LENGTH % LANES == 0,
              ("rowexp: LENGTH = %0d: 1..65536, a multiple of PE = %0d", LENGTH, PE))
  `SPEC_CHECK(pe, PE >= 1 && (!RAGGED || 1 << $clog2(PE) == PE),
              ("rowexp: PE = %0d: at least 1, a power of two if RAGGED = %0d", PE, RAGGED))
  `SPEC_CHECK(ram_style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("rowexp: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))
  `SPEC_CHECK(rom_style, ROM_STYLE == "distributed" || ROM_STYLE == "block",
              ("rowexp: ROM_STYLE = %0s: distributed or block", ROM_STYLE))
  `SPEC_CHECK(
      sum_width, SUM_WIDTH <= 32 && 64'(LENGTH) * ((64'd1 << OUT_WIDTH) - 1) < 64'd1 << SUM_WIDTH,
      ("rowexp: SUM_WIDTH = %0d: 1..32, for %0d codes of %0d bits", SUM_WIDTH, LENGTH, OUT_WIDTH))

  // A complete row waits to be read (pend), a row is in the middle of being read (act). The writer
  // must not go on while a row waits, or it would lose that row's maximum.
  logic pend_q, act_q, wbank_q, rbank_q;
  logic [COLUMN_WIDTH-1:0] wcol_q, rcol_q;
  logic en, free, push, push_last, push_final, start, issue, issue_last;
  logic [PE*IN_WIDTH-1:0] pushed;

  logic signed [IN_WIDTH-1:0] top, max_q, row_max_q;
  logic first_q, final_q, row_final_q;
  logic last1_q;
  // Lanes beyond L in a row's last beat: of the one in stage 1
  logic [LANES-1:0] idle1;

  assign start         = en && pend_q && !act_q;
  assign issue         = en && (pend_q || act_q);
  assign free          = !pend_q || start;
  assign s_axis_tready = free && (!RAGGED || s_axis_length_tvalid);

  if (RAGGED) begin : gen_ragged
    localparam int unsigned LANE_WIDTH = $clog2(LANES);
    logic [COLUMN_WIDTH-1:0] col_q, end_q, row_end_q;
    logic [NEXT_WIDTH-1:0] next;
    logic [LENGTH_STREAM_WIDTH-1:0] rest, rest1_q, rest2_q, rest_q, row_rest_q;
    logic [LANES-1:0] idle_q;
    logic [PE*IN_WIDTH-1:0] data1_q, data2_q;
    logic take, last, single_q;
    logic take1_q, take2_q, final1_q, final2_q, end1_q, end2_q;
    logic signed [IN_WIDTH-1:0] most, top_q;

    assign take = s_axis_tvalid && s_axis_tready;
    assign s_axis_length_tready = s_axis_tvalid && s_axis_tlast && free;
    // L / PE rounded down: all the beats, or all but a last one that goes beyond L.
    assign next = NEXT_WIDTH'(col_q) + 1'b1;
    assign rest = s_axis_length_tdata & LENGTH_STREAM_WIDTH'(LANES - 1);
    assign last = (rest == '0 ? next : NEXT_WIDTH'(col_q)) ==
        s_axis_length_tdata[LANE_WIDTH+:NEXT_WIDTH];
    assign issue_last = act_q ? rcol_q == row_end_q : single_q;

    // Which lanes are idle, then the greatest of the others, each in a cycle of its own.
    always_ff @(posedge clk) begin
      if (free) begin
        {data1_q, final1_q, end1_q, rest1_q} <= {
          s_axis_tdata[PE*IN_WIDTH-1:0], s_axis_tlast, last, rest
        };
        {data2_q, final2_q, end2_q, rest2_q} <= {data1_q, final1_q, end1_q, rest1_q};
        top_q <= most;
      end
      if (rst) {take1_q, take2_q} <= '0;
      else if (free) {take1_q, take2_q} <= {take, take1_q};
      if (rst) col_q <= '0;
      else if (take) col_q <= next[COLUMN_WIDTH-1:0] & {COLUMN_WIDTH{!last}};
    end

    greatest #(
        .LANES(LANES),
        .WIDTH(IN_WIDTH)
    ) u_greatest (
        .i_idle(idle_q),
        .i_data(data1_q),
        .o_most(most)
    );

    assign push                         = take2_q && free;
    assign pushed                       = data2_q;
    assign {push_last, push_final, top} = {end2_q, final2_q, top_q};

    for (genvar p = 0; p < LANES; p++) begin : gen_idle
      always_ff @(posedge clk) begin
        if (free) idle_q[p] <= last && rest != '0 && rest <= LENGTH_STREAM_WIDTH'(p);
      end
      assign idle1[p] = last1_q && row_rest_q != '0 && row_rest_q <= LENGTH_STREAM_WIDTH'(p);
    end
    always_ff @(posedge clk) begin
      if (push) begin
        end_q    <= wcol_q;
        rest_q   <= rest2_q;
        single_q <= first_q;
      end
      if (start) begin
        row_end_q  <= end_q;
        row_rest_q <= rest_q;
      end
    end
  end else begin : gen_fixed
    assign s_axis_length_tready = 1'b0;
    assign push                 = s_axis_tvalid && s_axis_tready;
    assign pushed               = s_axis_tdata[PE*IN_WIDTH-1:0];
    assign push_last            = BEATS == 1 || wcol_q == COLUMN_WIDTH'(BEATS - 1);
    assign push_final           = s_axis_tlast;
    assign issue_last           = BEATS == 1 || rcol_q == COLUMN_WIDTH'(BEATS - 1);
    assign idle1                = '0;
    greatest #(
        .LANES(LANES),
        .WIDTH(IN_WIDTH)
    ) u_greatest (
        .i_idle('0),
        .i_data(pushed),
        .o_most(top)
    );
  end

  always_ff @(posedge clk) begin
    if (push) begin
      if (first_q || top > max_q) max_q <= top;
      final_q <= push_final;
    end
    if (start) begin
      row_max_q   <= max_q;
      row_final_q <= final_q;
    end
    if (rst) begin
      wcol_q  <= '0;
      rcol_q  <= '0;
      pend_q  <= 1'b0;
      act_q   <= 1'b0;
      first_q <= 1'b1;
      wbank_q <= 1'b0;
      rbank_q <= 1'b0;
    end else begin
      if (push && push_last) pend_q <= 1'b1;
      else if (start) pend_q <= 1'b0;
      // Masked, not reset: a synchronous reset by `push` would be a LUT further.
      if (push) begin
        wcol_q  <= (wcol_q + 1'b1) & {COLUMN_WIDTH{!push_last}};
        first_q <= push_last;
        wbank_q <= wbank_q ^ push_last;
      end
      if (issue) begin
        rcol_q  <= (rcol_q + 1'b1) & {COLUMN_WIDTH{!issue_last}};
        act_q   <= !issue_last;
        rbank_q <= rbank_q ^ issue_last;
      end
    end
  end

  // Stage 1: the scores, stage 2: e, stage 3: on offer, and added up
  logic [PE*IN_WIDTH-1:0] score;
  logic [IN_WIDTH-1:0] distance[PE];
  logic [PE*OUT_WIDTH-1:0] e;
  logic valid1_q, valid2_q, last2_q, final2_q, done;
  logic [SUM_WIDTH-1:0] acc_q, sum;
  logic [BEAT_SUM_WIDTH-1:0] beat;

  ram #(
      .DEPTH((1 << COLUMN_WIDTH) + BEATS),
      .WIDTH(PE * IN_WIDTH),
      .RAM_STYLE(RAM_STYLE)
  ) u_rows (
      .clk,
      .wen  (push),
      .waddr({wbank_q, wcol_q}),
      .wdata(pushed),
      .ren  (en),
      .raddr({rbank_q, rcol_q}),
      .rdata(score)
  );

  for (genvar p = 0; p < PE; p++) begin : gen_lane
    assign distance[p] = row_max_q - score[p*IN_WIDTH+:IN_WIDTH];
    if (ROM_STYLE != "block" || (p == PE - 1 && p % 2 == 0)) begin : gen_single
      rom_clear #(
          .DEPTH(1 << IN_WIDTH),
          .WIDTH(OUT_WIDTH),
          .INIT_FILE(INIT_FILE),
          .RAM_STYLE(ROM_STYLE)
      ) u_table (
          .clk,
          .en,
          .clear(idle1[p]),
          .addr (distance[p]),
          .data (e[p*OUT_WIDTH+:OUT_WIDTH])
      );
    end else if (p % 2 == 0) begin : gen_pair
      rom_dual #(
          .DEPTH(1 << IN_WIDTH),
          .WIDTH(OUT_WIDTH),
          .INIT_FILE(INIT_FILE)
      ) u_table (
          .clk,
          .en,
          .clear_a(idle1[p]),
          .clear_b(idle1[p+1]),
          .addr_a (distance[p]),
          .addr_b (distance[p+1]),
          .data_a (e[p*OUT_WIDTH+:OUT_WIDTH]),
          .data_b (e[(p+1)*OUT_WIDTH+:OUT_WIDTH])
      );
    end
  end

  always_comb begin
    beat = '0;
    for (int unsigned p = 0; p < PE; p++) beat += BEAT_SUM_WIDTH'(e[p*OUT_WIDTH+:OUT_WIDTH]);
    sum = acc_q + SUM_WIDTH'(beat);
  end

  // A row's last beat waits until the sum before has been taken.
  assign done = valid2_q && last2_q;
  assign en   = (!m_axis_tvalid || m_axis_tready) &&
                !(done && m_axis_sum_tvalid && !m_axis_sum_tready);

  always_ff @(posedge clk) begin
    if (en) begin
      last1_q      <= issue_last;
      last2_q      <= last1_q;
      final2_q     <= last1_q && row_final_q;
      m_axis_tdata <= OUT_STREAM_WIDTH'(e);
      m_axis_tlast <= final2_q;
      if (done) m_axis_sum_tdata <= SUM_STREAM_WIDTH'(sum);
    end
    if (rst) begin
      valid1_q          <= 1'b0;
      valid2_q          <= 1'b0;
      m_axis_tvalid     <= 1'b0;
      m_axis_sum_tvalid <= 1'b0;
      acc_q             <= '0;
    end else begin
      if (en) begin
        valid1_q <= issue;
        valid2_q <= valid1_q;
      end
      if (en && valid2_q) acc_q <= last2_q ? '0 : sum;
      if (en) m_axis_tvalid <= valid2_q;
      else if (m_axis_tready) m_axis_tvalid <= 1'b0;
      if (en && done) m_axis_sum_tvalid <= 1'b1;
      else if (m_axis_sum_tready) m_axis_sum_tvalid <= 1'b0;
    end
  end

  `STREAM_CHECK(m_axis)
  `STREAM_CHECK(m_axis_sum)
endmodule

`default_nettype wire
