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

    // A row for each channel, [d, S].
    private readonly float[] _channels;

    private HeadProbe(int width, int tokens)
    {
        (_width, Tokens) = (width, tokens);
        _channels = new float[(long)width * tokens];
    }

    /// <summary>How many tokens, S.</summary>
    public int Tokens { get; }

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
                Span<float> to = channel < 0 ? zero : probe.Channel(channel + row);
                ReadOnlySpan<float> from = logits.Slice(row * stages.VocabularySize, stages.VocabularySize);
                for (int i = 0; i < tokens.Length; i++)
                {
                    to[i] = channel < 0 ? from[tokens[i]] : (from[tokens[i]] - zero[i]) / length;
                }
            }
        }

        return probe;
    }

    /// <summary>Probabilities of the tokens among themselves.</summary>
    /// <param name="unit">A residual with a mean square of 1, <c>[d]</c>.</param>
    /// <param name="probabilities">Gets them, <c>[S]</c>.</param>
    public void Probabilities(ReadOnlySpan<float> unit, Span<float> probabilities)
    {
        probabilities.Clear();
        for (int channel = 0; channel < _width; channel++)
        {
            TensorPrimitives.MultiplyAdd(Channel(channel), unit[channel], probabilities, probabilities);
        }

        TensorPrimitives.Subtract(probabilities, TensorPrimitives.Max<float>(probabilities), probabilities);
        TensorPrimitives.SoftMax<float>(probabilities, probabilities);
    }

    /// <summary>The mean of the tokens' rows of the head by some probabilities: the change of the residual that raises their logits.</summary>
    /// <param name="probabilities">The probabilities, <c>[S]</c>.</param>
    /// <param name="mean">Gets it, <c>[d]</c>.</param>
    public void Mean(ReadOnlySpan<float> probabilities, Span<float> mean)
    {
        for (int channel = 0; channel < _width; channel++)
        {
            mean[channel] = TensorPrimitives.Dot(Channel(channel), probabilities);
        }
    }

    /// <summary>Σ over tokens of p h hᵀ, <c>[d, d]</c>: with the means' products taken off, how probabilities bend.</summary>
    /// <param name="probabilities">p, <c>[S]</c>.</param>
    public double[] SecondMoments(float[] probabilities)
    {
        double[] moments = new double[_width * _width];
        Parallel.For(0, _width, i =>
        {
            float[] weighted = new float[Tokens];
            TensorPrimitives.Multiply(Channel(i), probabilities, weighted);
            for (int j = 0; j < _width; j++)
            {
                moments[i * _width + j] = TensorPrimitives.Dot<float>(weighted, Channel(j));
            }
        });
        return moments;
    }

    private Span<float> Channel(int channel) => _channels.AsSpan(channel * Tokens, Tokens);
}
