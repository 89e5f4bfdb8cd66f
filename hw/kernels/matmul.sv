// SPDX-License-Identifier: Apache-2.0
// Product of two activation streams, one of them buffered: scores and context of attention.
//
//   TRANSPOSED = 1   out[m][l] = sum_k a[m][k] * b[l][k]     B (L, DIM), A (M, DIM), out (M, L)
//   TRANSPOSED = 0   out[m][n] = sum_l a[m][l] * b[l][n]     B (L, DIM), A (M, L), out (M, DIM)
//
// L <= LENGTH is set for each frame where RAGGED; M is whatever s_axis_a carries up to tlast.
//
// Streams   s_axis_length: L, one beat a frame, taken with the last beat of B; only if RAGGED
//           s_axis_b: rows of B, SIMD lanes (TRANSPOSED) or PE lanes
//           s_axis_a: rows of A, SIMD lanes, tlast at the end of the frame
//           m_axis: rows of sums, PE lanes, tlast at the end of the frame
// Rate      PE x SIMD products a cycle, frame after frame. B loads at one beat a cycle: while the
//           frame before is multiplied if DOUBLE, else in between
// Latency   matmul.py, cycles(): B's beats, then about 4 cycles and mac_array's
// Memory    B: LENGTH * DIM codes (twice if DOUBLE), the inner dimension DIM / lanes of s_axis_b
//           rounded up to a power of two. A: one row, unless each row passes only once
// Golden    matmul.py
//
// One word of B holds PE rows of SIMD codes. Its rows arrive one after another, so each row of L
// within a word (PE of them if TRANSPOSED, else SIMD) has a RAM of its own. A row of A is used as
// it arrives and kept for its later passes; the next one is taken during its last multiplications.
`default_nettype none
`include "checks.svh"

module matmul #(
    // B's rows are the outputs' columns (1) or the terms of the sums (0)
    parameter bit TRANSPOSED = 1'b1,
    // Greatest L, in rows of B
    parameter int unsigned LENGTH = 16,
    // Codes of a row of B
    parameter int unsigned DIM = 8,
    // Sums worked on at once
    parameter int unsigned PE = 2,
    // Terms of a sum at once
    parameter int unsigned SIMD = 2,
    // Bits of a code of A
    parameter int unsigned A_WIDTH = 8,
    // A's codes are two's complement
    parameter bit A_SIGNED = 1'b1,
    // Bits of a code of B, two's complement
    parameter int unsigned B_WIDTH = 8,
    // Bits of a sum, two's complement
    parameter int unsigned ACCU_WIDTH = 19,
    // Products a multiplier: 1, 2 or 4
    parameter int unsigned PACK = 1,
    // What multiplies: "dsp" or "lut"
    parameter RES = "dsp",
    // B's buffer: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "block",
    // Two buffers for B, to load one while the other is read
    parameter bit DOUBLE = 1'b1,
    // L comes in s_axis_length, in whole groups of PE (TRANSPOSED) or SIMD rows; else it is LENGTH
    parameter bit RAGGED = 1'b0,
    // Derived, do not set
    localparam int unsigned LENGTH_STREAM_WIDTH = (($clog2(LENGTH + 1) + 7) / 8) * 8,
    localparam int unsigned B_STREAM_WIDTH = (((TRANSPOSED ? SIMD : PE) * B_WIDTH + 7) / 8) * 8,
    localparam int unsigned A_STREAM_WIDTH = ((SIMD * A_WIDTH + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PE * ACCU_WIDTH + 7) / 8) * 8
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    // Beats are filled up with bits that nobody reads; RAGGED = 0 reads no length.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [LENGTH_STREAM_WIDTH-1:0] s_axis_length_tdata,
    input  wire logic                           s_axis_length_tvalid,
    output logic                                s_axis_length_tready,
    input  wire logic [     B_STREAM_WIDTH-1:0] s_axis_b_tdata,
    input  wire logic                           s_axis_b_tvalid,
    output logic                                s_axis_b_tready,
    input  wire logic [     A_STREAM_WIDTH-1:0] s_axis_a_tdata,
    input  wire logic                           s_axis_a_tlast,
    input  wire logic                           s_axis_a_tvalid,
    // verilator lint_on UNUSEDSIGNAL
    output logic                                s_axis_a_tready,
    output logic      [   OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                                m_axis_tlast,
    output logic                                m_axis_tvalid,
    input  wire logic                           m_axis_tready
);
  // Rows of B side by side, codes of a beat of B; never 0, whatever the parameters.
  localparam int unsigned LANES = (TRANSPOSED ? PE : SIMD) == 0 ? 1 : (TRANSPOSED ? PE : SIMD);
  localparam int unsigned WIDE = (TRANSPOSED ? SIMD : PE) == 0 ? 1 : (TRANSPOSED ? SIMD : PE);
  // Beats of a row of B; groups of rows
  localparam int unsigned INNER = DIM > WIDE ? DIM / WIDE : 1;
  localparam int unsigned GROUPS = LENGTH > LANES ? LENGTH / LANES : 1;
  localparam int unsigned INNER_WIDTH = $clog2(INNER);
  localparam int unsigned GROUP_WIDTH = GROUPS > 1 ? $clog2(GROUPS) : 1;
  // The steps of one pass over a row of A, the passes
  localparam int unsigned STEPS = TRANSPOSED ? INNER : GROUPS;
  localparam int unsigned PASSES = TRANSPOSED ? GROUPS : INNER;
  localparam int unsigned COUNT_WIDTH = INNER_WIDTH > GROUP_WIDTH ? INNER_WIDTH : GROUP_WIDTH;
  localparam int unsigned DEPTH = ((GROUPS - 1) * (1 << INNER_WIDTH) + INNER) << DOUBLE;
  localparam int unsigned ADDR_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1;
  // Room that a sum needs on one side of zero: the least codes of both types make the one product
  // that reaches a power of two above zero, where ACCU_WIDTH has one value less.
  localparam longint unsigned TERMS = 64'(TRANSPOSED ? DIM : LENGTH);
  localparam longint unsigned WORST = TERMS << (A_WIDTH + B_WIDTH - 1 - 32'(A_SIGNED));
  localparam longint unsigned NEED = A_SIGNED ? WORST + 1 : WORST - (TERMS << (B_WIDTH - 1));
  localparam longint unsigned ROOM = 64'd1 << (ACCU_WIDTH - 1);

  // Two products of A_WIDTH + B_WIDTH bits in 25 bits, or four of 4-bit codes
  localparam bit PACKS = PACK == 1 || (RES == "dsp" && PE % (PACK == 0 ? 1 : PACK) == 0 &&
      ((PACK == 2 && A_WIDTH + 2 * B_WIDTH <= 24) ||
       (PACK == 4 && A_WIDTH <= 4 && B_WIDTH <= 4)));

  `SPEC_CHECK(length, LENGTH >= 1 && LENGTH % LANES == 0 && LENGTH <= 65536,
              ("matmul: LENGTH = %0d: 1..65536, a multiple of %0d lanes", LENGTH, LANES))
  `SPEC_CHECK(dim, DIM >= 1 && DIM % WIDE == 0 && DIM <= 65536,
              ("matmul: DIM = %0d: 1..65536, a multiple of %0d codes at once", DIM, WIDE))
  `SPEC_CHECK(pe, PE >= 1 && (!RAGGED || !TRANSPOSED || 1 << $clog2(PE) == PE),
              ("matmul: PE = %0d: 2^n if RAGGED = %0d, TRANSPOSED = %0d", PE, RAGGED, TRANSPOSED))
  `SPEC_CHECK(
      simd, SIMD >= 1 && (!RAGGED || TRANSPOSED || 1 << $clog2(SIMD) == SIMD),
      ("matmul: SIMD = %0d: 2^n if RAGGED = %0d, not TRANSPOSED = %0d", SIMD, RAGGED, TRANSPOSED))
  `SPEC_CHECK(a_width, A_WIDTH >= 1 + 32'(A_SIGNED) && A_WIDTH <= 16,
              ("matmul: A_WIDTH = %0d: 1..16, at least 2 if A_SIGNED = %0d", A_WIDTH, A_SIGNED))
  `SPEC_CHECK(b_width, B_WIDTH >= 2 && B_WIDTH <= 16,
              ("matmul: B_WIDTH = %0d: 2..16 bits", B_WIDTH))
  `SPEC_CHECK(
      accu_width, ACCU_WIDTH >= 2 && ACCU_WIDTH <= 32 && NEED <= ROOM,
      ("matmul: ACCU_WIDTH = %0d: up to 32 bits that hold the greatest sum, %0d", ACCU_WIDTH, NEED))
  `SPEC_CHECK(
      pack, PACKS,
      ("matmul: PACK = %0d: 1, 2 or 4 rows of PE = %0d that a DSP multiplies at once", PACK, PE))
  `SPEC_CHECK(res, RES == "dsp" || RES == "lut", ("matmul: RES = %0s: dsp or lut", RES))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("matmul: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  logic en;
  assign en = !m_axis_tvalid || m_axis_tready;

  // Loading: the row's lane rotates, one bit high. That a beat is its row's last is known before it
  // comes, and the counters are back at 0 when the last has come, so that no path leads from the
  // outputs' tready to them.
  logic [COUNT_WIDTH-1:0] load_inner_q;
  logic [GROUP_WIDTH-1:0] load_group_q;
  logic [LANES-1:0] lane_q, lane;
  logic [GROUP_WIDTH:0] load_groups, groups;
  logic loaded_q, inner_end_q, take_b, row_in, group_in, load_end;

  assign lane = LANES == 1 ? '1 : lane_q;
  assign load_groups = (GROUP_WIDTH + 1)'(load_group_q) + 1'b1;
  assign groups = (GROUP_WIDTH + 1)'(RAGGED ? 32'(s_axis_length_tdata) >> $clog2(LANES) : GROUPS);
  assign take_b = s_axis_b_tvalid && s_axis_b_tready;
  assign row_in = take_b && inner_end_q;
  assign group_in = row_in && lane[LANES-1];
  assign load_end = group_in && load_groups == groups;

  // Multiplying: `step` walks along a row of A, `pass` counts how often it is walked.
  logic [COUNT_WIDTH-1:0] step_q, pass_q;
  logic [GROUP_WIDTH-1:0] last_group_q, top_group_q, top_group;
  logic busy_q, bank_q, first_pass_q, final_q;
  logic issue, go, swap, step_end, row_end, final_row;

  assign top_group = RAGGED ? top_group_q : GROUP_WIDTH'(GROUPS - 1);
  assign issue = busy_q && (!first_pass_q || s_axis_a_tvalid);
  assign go = en && issue;
  assign step_end = step_q == (TRANSPOSED ? COUNT_WIDTH'(INNER - 1) : COUNT_WIDTH'(top_group));
  assign row_end = step_end &&
      pass_q == (TRANSPOSED ? COUNT_WIDTH'(top_group) : COUNT_WIDTH'(INNER - 1));
  assign final_row = first_pass_q ? s_axis_a_tlast : final_q;
  assign swap = loaded_q && (!busy_q || (go && row_end && final_row));

  // The buffer is free when its last word has been read, which is after `swap`. Whether that happens
  // in this cycle is not asked, so that tready does not depend on the outputs'.
  logic unread;
  assign s_axis_b_tready = !loaded_q && (DOUBLE || !busy_q) && !unread &&
      (!RAGGED || s_axis_length_tvalid);
  assign s_axis_length_tready = RAGGED && load_end;
  assign s_axis_a_tready = en && busy_q && first_pass_q;

  always_ff @(posedge clk) begin
    if (load_end) last_group_q <= load_group_q;
    // With one buffer nothing is loaded while it is read, so the outputs' tready need not be asked.
    if (DOUBLE ? swap : !busy_q) top_group_q <= last_group_q;
    if (go) final_q <= final_row;
    if (rst) begin
      load_inner_q <= '0;
      inner_end_q  <= INNER == 1;
      load_group_q <= '0;
      lane_q       <= LANES'(1);
      loaded_q     <= 1'b0;
      busy_q       <= 1'b0;
      bank_q       <= 1'b0;
      first_pass_q <= 1'b1;
      step_q       <= '0;
      pass_q       <= '0;
    end else begin
      if (take_b) begin
        load_inner_q <= inner_end_q ? '0 : load_inner_q + 1'b1;
        inner_end_q  <= INNER == 1 || (!inner_end_q && load_inner_q == COUNT_WIDTH'(INNER - 2));
      end
      if (row_in) lane_q <= LANES'({lane_q, lane_q[LANES-1]});
      if (group_in) load_group_q <= load_end ? '0 : GROUP_WIDTH'(load_groups);
      loaded_q <= load_end || (loaded_q && !swap);
      busy_q   <= swap || (busy_q && !(go && row_end && final_row));
      bank_q   <= bank_q ^ swap;
      if (go) step_q <= step_end ? '0 : step_q + 1'b1;
      if (go && step_end) begin
        pass_q       <= row_end ? '0 : pass_q + 1'b1;
        first_pass_q <= row_end;
      end
    end
  end

  // The row of A, and in step with it where to read B.
  logic [COUNT_WIDTH-1:0] at_step, at_pass;
  logic at_bank, at_valid, at_last, at_tag;
  logic [SIMD*A_WIDTH-1:0] a;

  if (STEPS > 1 && PASSES > 1) begin : gen_row
    localparam int unsigned STEP_WIDTH = $clog2(STEPS);
    logic [COUNT_WIDTH-1:0] step1_q, pass1_q;
    logic bank1_q, valid1_q, last1_q, tag1_q;

    always_ff @(posedge clk) begin
      if (en) begin
        step1_q <= step_q;
        pass1_q <= pass_q;
        bank1_q <= !bank_q;
        last1_q <= step_end;
        tag1_q  <= row_end && final_row;
      end
      if (rst) valid1_q <= 1'b0;
      else if (en) valid1_q <= issue;
    end

    assign {at_step, at_pass, at_bank} = {step1_q, pass1_q, bank1_q};
    assign {at_valid, at_last, at_tag} = {valid1_q, last1_q, tag1_q};
    assign unread = valid1_q && tag1_q;

    ram #(
        .DEPTH    (STEPS),
        .WIDTH    (SIMD * A_WIDTH),
        .RAM_STYLE(STEPS > 64 ? "block" : "distributed")
    ) u_row (
        .clk,
        .wen  (go && first_pass_q),
        .waddr(STEP_WIDTH'(step_q)),
        .wdata(s_axis_a_tdata[SIMD*A_WIDTH-1:0]),
        .ren  (en && at_valid),
        .raddr(STEP_WIDTH'(at_step)),
        .rdata(a)
    );
  end else begin : gen_beat
    assign {at_step, at_pass, at_bank} = {step_q, pass_q, !bank_q};
    assign {at_valid, at_last, at_tag} = {issue, step_end, row_end && final_row};
    assign unread = 1'b0;
    always_ff @(posedge clk) if (go && first_pass_q) a <= s_axis_a_tdata[SIMD*A_WIDTH-1:0];
  end

  // B: a word of WIDE codes for each lane.
  logic [COUNT_WIDTH-1:0] read_inner, read_group;
  logic [WIDE*B_WIDTH-1:0] word[LANES];
  logic [PE*SIMD*B_WIDTH-1:0] w;

  assign read_inner = TRANSPOSED ? at_step : at_pass;
  assign read_group = TRANSPOSED ? at_pass : at_step;

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    ram #(
        .DEPTH    (DEPTH),
        .WIDTH    (WIDE * B_WIDTH),
        .RAM_STYLE(RAM_STYLE)
    ) u_b (
        .clk,
        .wen  (take_b && lane[i]),
        .waddr(address(load_inner_q, COUNT_WIDTH'(load_group_q), bank_q)),
        .wdata(s_axis_b_tdata[WIDE*B_WIDTH-1:0]),
        .ren  (en && at_valid),
        .raddr(address(read_inner, read_group, at_bank)),
        .rdata(word[i])
    );
    for (genvar j = 0; j < WIDE; j++) begin : gen_code
      localparam int unsigned AT = TRANSPOSED ? i * SIMD + j : j * SIMD + i;
      assign w[AT*B_WIDTH+:B_WIDTH] = word[i][j*B_WIDTH+:B_WIDTH];
    end
  end

  function automatic logic [ADDR_WIDTH-1:0] address(logic [COUNT_WIDTH-1:0] inner,
                                                    logic [COUNT_WIDTH-1:0] group, logic bank);
    return ((ADDR_WIDTH'(group) << INNER_WIDTH | ADDR_WIDTH'(inner)) << DOUBLE) |
        ADDR_WIDTH'(DOUBLE && bank);
  endfunction

  logic valid_q, first_q, last_q, tag_q;

  always_ff @(posedge clk) begin
    if (en) begin
      first_q <= at_step == '0;
      last_q  <= at_last;
      tag_q   <= at_tag;
    end
    if (rst) valid_q <= 1'b0;
    else if (en) valid_q <= at_valid;
  end

  logic [PE*ACCU_WIDTH-1:0] acc;
  assign m_axis_tdata = OUT_STREAM_WIDTH'(acc);

  mac_array #(
      .PE                (PE),
      .SIMD              (SIMD),
      .ACTIVATION_WIDTH  (A_WIDTH),
      .SIGNED_ACTIVATIONS(A_SIGNED),
      .WEIGHT_WIDTH      (B_WIDTH),
      .ACCU_WIDTH        (ACCU_WIDTH),
      .PACK              (PACK),
      .RES               (RES)
  ) u_macs (
      .clk,
      .rst,
      .en,
      .i_valid(valid_q),
      .i_first(STEPS == 1 || first_q),
      .i_last (last_q),
      .i_tag  (tag_q),
      .i_a    (a),
      .i_w    (w),
      .o_valid(m_axis_tvalid),
      .o_tag  (m_axis_tlast),
      .o_acc  (acc)
  );

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
