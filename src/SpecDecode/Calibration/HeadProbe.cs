using System.Numerics.Tensors;
using SpecDecode.Evaluation;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// Final norm and head as a matrix, for some tokens: what a change of the normalised residual does to their logits. It is read off the stages, channel by channel, so
/// it is the same for all families and precisions; a cap on logits, which is flat nowhere that matters, is not in it.
/// </summary>
internal sealed class HeadProbe
{
    private readonly int _width;

    // A row for each token, [S, d].
    private readonly float[] _rows;

    private HeadProbe(int width, int tokens)
    {
        (_width, Tokens) = (width, tokens);
        _rows = new float[(long)width * tokens];
    }

    /// <summary>How many tokens, S.</summary>
    public int Tokens { get; }

    /// <summary>A token's row of the head, <c>[d]</c>.</summary>
    /// <param name="token">Its number among the tokens, from 0.</param>
    public ReadOnlySpan<float> this[int token] => Row(token);

    /// <summary>Reads it.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="tokens">The tokens, each once.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static HeadProbe Read(IStages stages, int[] tokens, CancellationToken cancellationToken)
    {
        int width = stages.ResidualWidth;
        HeadProbe probe = new(width, tokens.Length);
        int rows = Math.Min(Math.Min(stages.MaxScoredRows, stages.MaxRows), stages.MaxSequenceLength);
        using SequencePasses passes = new(stages, [new ScoredSequence(new int[Math.Max(rows, 2)], 1)]);
        passes.Next();
        rows = Math.Min(rows, passes.Batch.Rows);
        stages.Embed(passes.Batch);
        int[] scored = [.. Enumerable.Range(0, rows)];
        float[] residual = new float[width];
        float[] zero = new float[tokens.Length];

        // Nothing first: a head's bias. A single channel then, long enough to have a mean square of 1.
        float length = MathF.Sqrt(width);
        for (int channel = -1; channel < width; channel += channel < 0 ? 1 : rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = channel < 0 ? 1 : Math.Min(rows, width - channel);
            for (int row = 0; row < count; row++)
            {
                residual.AsSpan().Clear();
                if (channel >= 0)
                {
                    residual[channel + row] = length;
                }

                stages.WriteResidual(row, residual);
            }

            ReadOnlySpan<float> logits = stages.Head(scored.AsSpan(0, count));
            for (int row = 0; row < count; row++)
            {
                ReadOnlySpan<float> from = logits.Slice(row * stages.VocabularySize, stages.VocabularySize);
                for (int i = 0; i < tokens.Length; i++)
                {
                    if (channel < 0)
                    {
                        zero[i] = from[tokens[i]];
                    }
                    else
                    {
                        probe.Row(i)[channel + row] = (from[tokens[i]] - zero[i]) / length;
                    }
                }
            }
        }

        return probe;
    }

    /// <summary>Logits of all tokens.</summary>
    /// <param name="units">Residuals with a mean square of 1, <c>[n, d]</c>.</param>
    /// <param name="logits">Gets them, <c>[n, S]</c>.</param>
    public void Logits(ReadOnlySpan<float> units, Span<float> logits)
    {
        int rows = units.Length / _width;
        for (int token = 0; token < Tokens; token++)
        {
            ReadOnlySpan<float> of = Row(token);
            for (int row = 0; row < rows; row++)
            {
                logits[row * Tokens + token] = TensorPrimitives.Dot(of, units.Slice(row * _width, _width));
            }
        }
    }

    /// <summary>Probabilities of logits, in their place.</summary>
    public static void Softmax(Span<float> logits)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max<float>(logits), logits);
        TensorPrimitives.SoftMax<float>(logits, logits);
    }

    private Span<float> Row(int token) => _rows.AsSpan(token * _width, _width);
}
