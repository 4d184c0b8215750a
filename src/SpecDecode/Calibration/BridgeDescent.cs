using System.Diagnostics;
using System.Numerics.Tensors;

namespace SpecDecode.Calibration;

/// <summary>
/// Gradient descent (Adam, 1412.6980) on the divergence of what the head makes of mapped rows from what the full model makes of them, over the tokens of shortlists. It
/// begins at a map that is given, so where there is nothing to gain it stays there. Deterministic, but where time ends it early.
/// </summary>
/// <param name="x">The rows.</param>
/// <param name="lists">Their tokens.</param>
/// <param name="target">The head.</param>
/// <param name="seed">In which order rows are taken.</param>
internal sealed class BridgeDescent(BridgeRows x, Shortlists lists, BridgeTarget target, int seed)
{
    private const int MostBatchRows = 512;
    private const int LeastBatchRows = 32;
    private const int StepsOfEpoch = 64;
    private const int Epochs = 4;
    private const int ChunkRows = 16;
    private const float MomentDecay = 0.9f;
    private const float SquareDecay = 0.99f;

    // A step moves each output by the sum over the channels, so it is the smaller the wider the residual is; 1e-3 at 256.
    private const float StepTimesWidth = 0.256f;

    // The first steps say how long one takes.
    private const int TimedSteps = 4;

    private readonly int _width = target.Width;

    /// <summary>Descends.</summary>
    /// <param name="change">What the map adds to the identity, transposed, <c>[d, d]</c>; moved in place.</param>
    /// <param name="limit">How long it may take: where that is less than it needs, it takes fewer steps.</param>
    /// <param name="looked">Called after each fourth of the way.</param>
    /// <param name="cancellationToken">Ends the work between steps.</param>
    public void Run(float[] change, TimeSpan limit, Action looked, CancellationToken cancellationToken)
    {
        int batch = Math.Min(Math.Clamp(x.Count / StepsOfEpoch, LeastBatchRows, MostBatchRows), x.Count);
        if (batch == 0)
        {
            return;
        }

        long start = Stopwatch.GetTimestamp();
        Random random = new(seed);
        int[] order = [.. Enumerable.Range(0, x.Count)];
        float[] rows = new float[batch * _width];
        float[] gradients = new float[batch * _width];
        float[] moments = new float[change.Length];
        float[] squares = new float[change.Length];
        int perEpoch = x.Count / batch;
        int steps = Epochs * perEpoch;
        int shown = 0;
        for (int step = 0; step < steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (step % perEpoch == 0)
            {
                random.Shuffle(order);
            }

            ReadOnlyMemory<int> taken = order.AsMemory(step % perEpoch * batch, batch);
            FindGradients(taken, change, rows, gradients);
            Move(change, rows, gradients, moments, squares, step + 1, StepTimesWidth / _width * (1 - (float)step / steps));
            if (step + 1 == TimedSteps)
            {
                steps = (int)Math.Clamp(TimedSteps * (limit / Stopwatch.GetElapsedTime(start)), TimedSteps, steps);
            }

            int quarter = 4 * (step + 1) / steps;
            if (quarter > shown)
            {
                shown = quarter;
                looked();
            }
        }
    }

    // Of each row the gradient of its divergence by what the map adds to it.
    private void FindGradients(ReadOnlyMemory<int> taken, float[] change, float[] rows, float[] gradients) => Parallel.For(
        0, (taken.Length + ChunkRows - 1) / ChunkRows, () => (Units: new float[ChunkRows * _width], Lengths: new float[ChunkRows], Scores: new float[lists.Length]), (chunk, _, memory) =>
        {
            int first = chunk * ChunkRows;
            int count = Math.Min(ChunkRows, taken.Length - first);
            for (int i = 0; i < count; i++)
            {
                x[taken.Span[first + i]].CopyTo(rows.AsSpan((first + i) * _width, _width));
            }

            target.Map(rows.AsSpan(first * _width, count * _width), change, memory.Units.AsSpan(0, count * _width), memory.Lengths.AsSpan(0, count));
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<float> unit = memory.Units.AsSpan(i * _width, _width);
                Span<float> gradient = gradients.AsSpan((first + i) * _width, _width);
                FindGradient(taken.Span[first + i], unit, memory.Scores, gradient);

                // Through the norm, which takes the length out.
                TensorPrimitives.MultiplyAdd(unit, -TensorPrimitives.Dot(unit, gradient) / _width, gradient, gradient);
                TensorPrimitives.Multiply(gradient, memory.Lengths[i] > 0 ? 1 / memory.Lengths[i] : 0, gradient);
            }

            return memory;
        }, _ => { });

    // Hᵀ (q − p), over the shortlist.
    private void FindGradient(int row, ReadOnlySpan<float> unit, Span<float> scores, Span<float> gradient)
    {
        ReadOnlySpan<int> tokens = lists.Tokens(row);
        for (int i = 0; i < tokens.Length; i++)
        {
            scores[i] = TensorPrimitives.Dot(target.Head[tokens[i]], unit);
        }

        HeadProbe.Softmax(scores);
        TensorPrimitives.Subtract(scores, lists.Probabilities(row), scores);
        gradient.Clear();
        for (int i = 0; i < tokens.Length; i++)
        {
            TensorPrimitives.MultiplyAdd(target.Head[tokens[i]], scores[i], gradient, gradient);
        }
    }

    private void Move(float[] change, float[] rows, float[] gradients, float[] moments, float[] squares, int step, float length)
    {
        int count = rows.Length / _width;
        float firstScale = 1 / (1 - MathF.Pow(MomentDecay, step));
        float secondScale = 1 / (1 - MathF.Pow(SquareDecay, step));
        Parallel.For(0, _width, () => new float[_width], (i, _, sum) =>
        {
            sum.AsSpan().Clear();
            for (int row = 0; row < count; row++)
            {
                TensorPrimitives.MultiplyAdd(gradients.AsSpan(row * _width, _width), rows[row * _width + i] / count, sum, sum);
            }

            for (int j = 0; j < _width; j++)
            {
                int at = i * _width + j;
                moments[at] = MomentDecay * moments[at] + (1 - MomentDecay) * sum[j];
                squares[at] = SquareDecay * squares[at] + (1 - SquareDecay) * sum[j] * sum[j];
                change[at] -= length * moments[at] * firstScale / (MathF.Sqrt(squares[at] * secondScale) + 1e-8f);
            }

            return sum;
        }, _ => { });
    }
}
