// SPDX-License-Identifier: Apache-2.0
// Sliding windows of a map, as a convolution reads them (FINN's ConvolutionInputGenerator).
//
//   m[oy, ox, ky, kx, c] = s[oy * STRIDE + ky, ox * STRIDE + kx, c]
//
// Streams   s_axis (IFM_H, IFM_W, NumChannels), SIMD channels a beat. m_axis, with OFM_H x OFM_W
//           windows:
//           dense       (OFM_H, OFM_W, KERNEL, KERNEL, NumChannels), SIMD lanes
//           DEPTHWISE   (OFM_H, OFM_W, NumChannels / SIMD, KERNEL * KERNEL, SIMD), SIMD lanes
//           PARALLEL    the order of DEPTHWISE, KERNEL * KERNEL * SIMD lanes
// Rate      one beat out a cycle, unless the input is the slower (PARALLEL: one beat in a cycle).
//           Serial windows may pause for up to 1 % between two frames.
// Latency   2 cycles after the last code of a window (PARALLEL: 1 cycle after each fold's)
// Golden    swg.py
//
// Padding is left to fmpad: zeros made while reading would on most maps take more LUTs than both.
`default_nettype none
`include "checks.svh"

module swg #(
    // Lines of the map
    parameter int unsigned IFM_H = 8,
    // Pixels of a line
    parameter int unsigned IFM_W = 8,
    // Channels of a pixel
    parameter int unsigned NumChannels = 4,
    // Height and width of a window in pixels
    parameter int unsigned KERNEL = 3,
    // Pixels and lines from a window to the next: 1 or 2
    parameter int unsigned STRIDE = 1,
    // Channels a beat
    parameter int unsigned SIMD = 1,
    // Order of a window: 0 channels fastest, 1 all taps of SIMD channels after another
    parameter bit DEPTHWISE = 1'b0,
    // All taps of SIMD channels in one beat
    parameter bit PARALLEL = 1'b0,
    // Bits of a code
    parameter int unsigned ELEM_WIDTH = 8,
    // Memory of the lines: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "block",
    // Derived, do not set
    localparam int unsigned TAPS = KERNEL * KERNEL,
    localparam int unsigned WORD_WIDTH = SIMD * ELEM_WIDTH,
    localparam int unsigned IN_STREAM_WIDTH = (WORD_WIDTH + 7) / 8 * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PARALLEL ? TAPS : 1) * WORD_WIDTH + 7) / 8 * 8
) (
    input  wire logic                        clk,
    input  wire logic                        rst,
    // Its padding is not looked at.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [ IN_STREAM_WIDTH-1:0] s_axis_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                        s_axis_tvalid,
    output logic                             s_axis_tready,
    output logic      [OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                             m_axis_tlast,
    output logic                             m_axis_tvalid,
    input  wire logic                        m_axis_tready
);
  `SPEC_CHECK(ifm_h, IFM_H >= 1 && IFM_H <= 4096, ("swg: IFM_H = %0d: 1..4096", IFM_H))
  `SPEC_CHECK(ifm_w, IFM_W >= 1 && IFM_W <= 4096, ("swg: IFM_W = %0d: 1..4096", IFM_W))
  `SPEC_CHECK(channels, NumChannels >= 1 && NumChannels <= 4096,
              ("swg: NumChannels = %0d: 1..4096", NumChannels))
  `SPEC_CHECK(
      kernel, KERNEL >= 1 && KERNEL <= 15 && KERNEL <= IFM_H && KERNEL <= IFM_W,
      ("swg: KERNEL = %0d: 1..15, at most IFM_H = %0d and IFM_W = %0d", KERNEL, IFM_H, IFM_W))
  `SPEC_CHECK(stride, STRIDE == 1 || STRIDE == 2, ("swg: STRIDE = %0d: 1 or 2", STRIDE))
  `SPEC_CHECK(simd, SIMD >= 1 && NumChannels % (SIMD >= 1 ? SIMD : 1) == 0,
              ("swg: SIMD = %0d: divides NumChannels = %0d", SIMD, NumChannels))
  `SPEC_CHECK(elem, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("swg: ELEM_WIDTH = %0d: 1..32", ELEM_WIDTH))
  // Words of unlike length, see checks.svh
  // verilator lint_off WIDTHEXPAND
  localparam bit KNOWN_STYLE =
      RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra";
  // verilator lint_on WIDTHEXPAND
  `SPEC_CHECK(style, KNOWN_STYLE, ("swg: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  // The rules that the expressions below need in order to have a value.
  localparam bit SOUND = KERNEL >= 1 && KERNEL <= IFM_H && KERNEL <= IFM_W && STRIDE >= 1 &&
      STRIDE <= 2 && SIMD >= 1 && SIMD <= NumChannels && ELEM_WIDTH >= 1 && KNOWN_STYLE;
  // Beats of a pixel, of a line; windows
  localparam int unsigned FOLD = SOUND ? NumChannels / (SIMD >= 1 ? SIMD : 1) : 1;
  localparam int unsigned LINE = IFM_W * FOLD;
  localparam int unsigned OFM_H = SOUND ? (IFM_H - KERNEL) / (STRIDE == 2 ? 2 : 1) + 1 : 1;
  localparam int unsigned OFM_W = SOUND ? (IFM_W - KERNEL) / (STRIDE == 2 ? 2 : 1) + 1 : 1;

  logic en;
  assign en = !m_axis_tvalid || m_axis_tready;

  if (SOUND && !PARALLEL) begin : gen_serial
    // A ring of DEPTH words holds the map as one line after another. Counted in words, a window
    // lies within SPAN of them, and its first word moves on by NEXT, at the end of a row of windows
    // by NEXT_ROW, of a frame by NEXT_FRAME; what lies before it is free to be overwritten.
    localparam int unsigned SPAN = (KERNEL - 1) * LINE + KERNEL * FOLD;
    localparam int unsigned NEXT = STRIDE * FOLD;
    localparam int unsigned NEXT_ROW = STRIDE * LINE - (OFM_W - 1) * NEXT;
    localparam int unsigned NEXT_FRAME = (IFM_H - (OFM_H - 1) * STRIDE) * LINE - (OFM_W - 1) * NEXT;
    localparam int unsigned FARTHEST = NEXT_FRAME > NEXT_ROW ? NEXT_FRAME : NEXT_ROW;
    // DEPTH = SPAN + AHEAD, where AHEAD is how far writing may be beyond the window being read.
    // NEXT_ROW, k pixels or a line and some, is what it takes for a row of windows to follow
    // the other without a pause; less could never lead to a deadlock, but to pauses. At the seam of
    // two frames it would take NEXT_FRAME, some lines: they are spent where the pause, of
    // NEXT_FRAME - NEXT_ROW cycles, is more than 1 % of a frame.
    localparam bit HIDDEN = IFM_H > OFM_H * STRIDE &&
        100 * (IFM_H - OFM_H * STRIDE) * IFM_W > OFM_H * OFM_W * TAPS;
    localparam int unsigned WANTED = HIDDEN ? NEXT_FRAME : NEXT_ROW;
    // AHEAD and DEPTH are rounded up, by 1/4 and 1/8 at most, so that a few high bits tell them.
    localparam int unsigned A_LOW = $clog2(WANTED) > 3 ? $clog2(WANTED) - 3 : 0;
    localparam int unsigned AHEAD = (WANTED + (1 << A_LOW) - 1) >> A_LOW << A_LOW;
    localparam int unsigned N = $clog2(SPAN + AHEAD);
    localparam int unsigned N_LOW = N > 4 ? N - 4 : 0;
    localparam int unsigned BLOCKS = (SPAN + AHEAD + (1 << N_LOW) - 1) >> N_LOW;
    localparam int unsigned DEPTH = BLOCKS << N_LOW;

    // Words written beyond the end of the window being read: that many, when it is not negative.
    localparam int unsigned L = $clog2((FARTHEST > AHEAD ? FARTHEST : AHEAD) + 1) + 1;
    logic [L-1:0] level_q, change;
    logic room_q, write, read;

    // Full is AHEAD words: what is read then leaves at least one of them.
    assign s_axis_tready = room_q;
    assign write = s_axis_tvalid && room_q;
    assign read = en && !level_q[L-1];

    // Position of the read word, inner loops first. A loop steps when those within it end. What ends
    // is known a step before, so that a read's path does not run through the comparison.
    localparam int unsigned LENGTH[5] = '{
        DEPTHWISE ? KERNEL : KERNEL * FOLD,
        KERNEL,
        DEPTHWISE ? FOLD : 1,
        OFM_W,
        OFM_H
    };
    localparam bit ONE_READ = LENGTH[0] * LENGTH[1] * LENGTH[2] == 1;
    // verilator lint_off UNUSEDSIGNAL
    logic [4:0] ends, near, steps;  // a loop of one round does not step
    // verilator lint_on UNUSEDSIGNAL
    logic window_q, frame_end;  // this word is its window's last, its frame's last
    assign steps = {
      read && window_q && ends[3],
      read && window_q,
      read && ends[0] && ends[1],
      read && ends[0],
      read
    };
    assign frame_end = window_q && ends[3] && ends[4];

    for (genvar i = 0; i < 5; i++) begin : gen_loop
      if (LENGTH[i] == 1) begin : gen_once
        assign {ends[i], near[i]} = '1;
      end else begin : gen_count
        localparam int unsigned B = $clog2(LENGTH[i]);
        logic [B-1:0] count_q;
        logic end_q;
        assign ends[i] = end_q;
        assign near[i] = count_q == B'(LENGTH[i] - 2);
        always_ff @(posedge clk) begin
          if (rst) begin
            count_q <= '0;
            end_q   <= 1'b0;
          end else if (steps[i]) begin
            count_q <= end_q ? '0 : count_q + 1'b1;
            end_q   <= near[i];
          end
        end
      end
    end

    logic [L-1:0] moves;
    always_comb begin
      moves = '0;
      if (frame_end) moves = L'(-NEXT_FRAME);
      else if (window_q && ends[3]) moves = L'(-NEXT_ROW);
      else if (window_q) moves = L'(-NEXT);
      change = read ? moves : '0;
    end

    // Addresses move by what the loop that steps asks, modulo DEPTH.
    localparam int unsigned BACK = ((KERNEL - 1) * IFM_W + KERNEL - 1) * FOLD;
    localparam int unsigned HOME = DEPTH - (SPAN - 1);
    localparam int unsigned TOP = N - N_LOW + 1;
    logic [N-1:0] write_q, read_q, write_next, read_next, stride;
    logic [N:0] write_sum, read_sum;
    always_comb begin
      if (!ends[0]) stride = N'(DEPTHWISE ? FOLD : 1);
      else if (!ends[1]) stride = N'(LINE - (DEPTHWISE ? (KERNEL - 1) * FOLD : KERNEL * FOLD - 1));
      else if (!ends[2]) stride = N'((DEPTH - BACK + 1) % DEPTH);
      else if (!ends[3]) stride = N'((HOME + NEXT) % DEPTH);
      else if (!ends[4]) stride = N'((HOME + NEXT_ROW) % DEPTH);
      else stride = N'((HOME + NEXT_FRAME) % DEPTH);
    end
    assign write_sum = {1'b0, write_q} + 1'b1;
    assign read_sum  = {1'b0, read_q} + {1'b0, stride};

    // A sum below 2 * DEPTH less DEPTH where it reaches it, as a table, which takes one LUT a bit.
    always_comb begin
      write_next = write_sum[N-1:0];
      read_next  = read_sum[N-1:0];
      for (int unsigned b = BLOCKS; b < 2 * BLOCKS; b++) begin
        if (write_sum[N:N_LOW] == TOP'(b)) write_next[N-1:N_LOW] = (TOP - 1)'(b - BLOCKS);
        if (read_sum[N:N_LOW] == TOP'(b)) read_next[N-1:N_LOW] = (TOP - 1)'(b - BLOCKS);
      end
    end

    always_ff @(posedge clk) begin
      if (rst) begin
        level_q       <= L'(-SPAN);
        room_q        <= 1'b1;
        window_q      <= ONE_READ;
        write_q       <= '0;
        read_q        <= '0;
        m_axis_tvalid <= 1'b0;
      end else begin
        level_q <= level_q + change + L'(write);
        room_q  <= steps[3] || (room_q && !(write && level_q == L'(AHEAD - 1)));
        if (write) write_q <= write_next;
        if (read) begin
          read_q <= read_next;
          window_q <= near[0] && (ends[0] ? near[1] : ends[1]) &&
              (ends[0] && ends[1] ? near[2] : ends[2]);
        end
        if (en) m_axis_tvalid <= read;
      end
      if (read) m_axis_tlast <= frame_end;
    end

    logic [WORD_WIDTH-1:0] word;
    ram #(
        .DEPTH(DEPTH),
        .WIDTH(WORD_WIDTH),
        .RAM_STYLE(RAM_STYLE)
    ) u_lines (
        .clk,
        .wen  (write),
        .waddr(write_q),
        .wdata(s_axis_tdata[WORD_WIDTH-1:0]),
        .ren  (read),
        .raddr(read_q),
        .rdata(word)
    );
    assign m_axis_tdata = OUT_STREAM_WIDTH'(word);
  end

  if (SOUND && PARALLEL) begin : gen_parallel
    // The beat taken last stands at the end of a column of KERNEL pixels, those above it from
    // `u_lines`, the column at the end of a window, those left of it from `u_columns`. Both
    // memories give back, a line or a pixel later, what they held, less its oldest part.
    localparam int unsigned COLUMN = KERNEL * WORD_WIDTH;
    localparam int unsigned X = IFM_W > 1 ? $clog2(IFM_W) : 1;
    localparam int unsigned Y = IFM_H > 1 ? $clog2(IFM_H) : 1;
    localparam int unsigned C = FOLD > 1 ? $clog2(FOLD) : 1;

    // Position of the beat that comes next.
    logic [X-1:0] x_q;
    logic [Y-1:0] y_q;
    logic [C-1:0] c_q;
    logic take, c_end, x_end, y_end, x_ends, y_ends, last;
    assign s_axis_tready = en;
    assign take = s_axis_tvalid && en;
    assign c_end = c_q == C'(FOLD - 1);
    assign x_end = x_q == X'(IFM_W - 1);
    assign y_end = y_q == Y'(IFM_H - 1);
    // A window ends at this column, at this line.
    always_comb begin
      x_ends = STRIDE == 1 || x_q[0] != KERNEL[0];
      y_ends = STRIDE == 1 || y_q[0] != KERNEL[0];
      for (int unsigned i = 0; i + 1 < KERNEL; i++) begin
        if (x_q == X'(i)) x_ends = 1'b0;
        if (y_q == Y'(i)) y_ends = 1'b0;
      end
    end
    assign last = c_end && x_q == X'(KERNEL - 1 + (OFM_W - 1) * STRIDE) &&
        y_q == Y'(KERNEL - 1 + (OFM_H - 1) * STRIDE);

    logic [WORD_WIDTH-1:0] word_q;
    logic [COLUMN-1:0] column;
    logic [KERNEL*COLUMN-1:0] window;

    always_ff @(posedge clk) begin
      if (take) begin
        word_q       <= s_axis_tdata[WORD_WIDTH-1:0];
        m_axis_tlast <= last;
      end
      if (rst) begin
        c_q           <= '0;
        x_q           <= '0;
        y_q           <= '0;
        m_axis_tvalid <= 1'b0;
      end else begin
        if (en) m_axis_tvalid <= s_axis_tvalid && x_ends && y_ends;
        if (take) c_q <= c_end ? '0 : c_q + 1'b1;
        if (take && c_end) x_q <= x_end ? '0 : x_q + 1'b1;
        if (take && c_end && x_end) y_q <= y_end ? '0 : y_q + 1'b1;
      end
    end

    if (KERNEL == 1) begin : gen_point
      assign column = word_q;
      assign window = column;
    end else begin : gen_area
      // Address of the beat that comes next in the lines, and of the one taken last.
      localparam int unsigned A = $clog2(LINE);
      logic [A-1:0] next_q, taken_q;
      always_ff @(posedge clk) begin
        if (rst) next_q <= '0;
        else if (take) next_q <= c_end && x_end ? '0 : next_q + 1'b1;
        if (take) taken_q <= next_q;
      end
      ram #(
          .DEPTH(LINE),
          .WIDTH(COLUMN - WORD_WIDTH),
          .RAM_STYLE(RAM_STYLE)
      ) u_lines (
          .clk,
          .wen  (take),
          .waddr(taken_q),
          .wdata(column[COLUMN-1:WORD_WIDTH]),
          .ren  (take),
          .raddr(next_q),
          .rdata(column[COLUMN-WORD_WIDTH-1:0])
      );
      assign column[COLUMN-1-:WORD_WIDTH]    = word_q;
      assign window[KERNEL*COLUMN-1-:COLUMN] = column;
      localparam int unsigned LEFT = (KERNEL - 1) * COLUMN;
      if (FOLD <= 2) begin : gen_registers
        logic [FOLD*LEFT-1:0] columns_q;
        always_ff @(posedge clk) begin
          if (take)
            columns_q <= (FOLD * LEFT)'({window[KERNEL*COLUMN-1:COLUMN], columns_q} >> LEFT);
        end
        assign window[LEFT-1:0] = columns_q[LEFT-1:0];
      end else begin : gen_columns
        logic [C-1:0] c_taken_q;
        always_ff @(posedge clk) if (take) c_taken_q <= c_q;
        ram #(
            .DEPTH(FOLD),
            .WIDTH(LEFT),
            .RAM_STYLE("distributed")
        ) u_columns (
            .clk,
            .wen  (take),
            .waddr(c_taken_q),
            .wdata(window[KERNEL*COLUMN-1:COLUMN]),
            .ren  (take),
            .raddr(c_q),
            .rdata(window[LEFT-1:0])
        );
      end
    end

    // Taps run along the rows of a window, columns along its height.
    logic [TAPS*WORD_WIDTH-1:0] taps;
    for (genvar ky = 0; ky < KERNEL; ky++) begin : gen_row
      for (genvar kx = 0; kx < KERNEL; kx++) begin : gen_tap
        localparam int unsigned FROM = kx * COLUMN + ky * WORD_WIDTH;
        assign taps[(ky*KERNEL+kx)*WORD_WIDTH+:WORD_WIDTH] = window[FROM+:WORD_WIDTH];
      end
    end
    assign m_axis_tdata = OUT_STREAM_WIDTH'(taps);
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
