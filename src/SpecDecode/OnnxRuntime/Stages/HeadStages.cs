using Microsoft.ML.OnnxRuntime;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Final norm and head over some rows of a residual. On a device logits stay there, with what is chosen from them, until somebody asks for rows of them.</summary>
/// <param name="buffers">The rows of a pass.</param>
/// <param name="vocabularySize">Number of token ids V.</param>
internal sealed class HeadStages(PassBuffers buffers, int vocabularySize)
{
    private RowChoice[] _choices = [];
    private float[] _chosenLogits = [];

    /// <summary>Logits of some rows, <c>[rows, V]</c>.</summary>
    /// <param name="sessions">Sessions of the pass.</param>
    /// <param name="residual">The residual.</param>
    /// <param name="rows">Their numbers.</param>
    public Span<float> Logits(StageSessions sessions, RowBuffer residual, ReadOnlySpan<int> rows)
    {
        RunWhole(sessions, sessions.Head, residual, rows);
        return buffers.Logits.Read(rows.Length);
    }

    /// <summary>The greedy choice in some rows, on a device.</summary>
    /// <inheritdoc cref="Logits" path="/param"/>
    public ReadOnlySpan<RowChoice> Choose(StageSessions sessions, RowBuffer residual, ReadOnlySpan<int> rows)
    {
        RunWhole(sessions, sessions.Head, residual, rows);
        ReadOnlySpan<float> choices = buffers.Choices!.Read(rows.Length);
        Grow(ref _choices, rows.Length);
        for (int i = 0; i < rows.Length; i++)
        {
            _choices[i] = new RowChoice((int)choices[2 * i], choices[2 * i + 1]);
        }

        return _choices.AsSpan(0, rows.Length);
    }

    /// <summary>The logits of one of those rows, <c>[V]</c>.</summary>
    /// <param name="index">Its place among them.</param>
    public Span<float> ChosenLogits(int index)
    {
        Grow(ref _chosenLogits, vocabularySize);
        buffers.Logits.Read(index, _chosenLogits);
        return _chosenLogits;
    }

    /// <summary>Logits of some rows by the head of drafts, where there is one, and −∞ for tokens that it does not score, <c>[rows, V]</c>.</summary>
    /// <inheritdoc cref="Logits" path="/param"/>
    public Span<float> DraftLogits(StageSessions sessions, RowBuffer residual, ReadOnlySpan<int> rows)
    {
        if (sessions.DraftHead is not { } head)
        {
            return Logits(sessions, residual, rows);
        }

        if (head.IsWhole)
        {
            // What follows the product may be ONNX Runtime's, as it is behind the head.
            RunWhole(sessions, head.Stage, residual, rows);
            return buffers.Logits.Read(rows.Length);
        }

        buffers.Moves.Pick(residual, rows, buffers.Scored, rows.Length);
        Run(head.Stage, rows.Length, buffers.DraftLogits!);
        Span<float> logits = buffers.Logits.Floats(rows.Length);
        head.Spread(buffers.DraftLogits!.Read(rows.Length), logits, rows.Length);
        return logits;
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[length];
        }
    }

    private void RunWhole(StageSessions sessions, StageSession head, RowBuffer residual, ReadOnlySpan<int> rows)
    {
        int run = sessions.HeadRows.RowsToRun(rows.Length);
        buffers.Moves.Pick(residual, rows, buffers.Scored, run);
        Run(head, run, buffers.Logits);
    }

    private void Run(StageSession stage, int rows, RowBuffer logits)
    {
        OrtIoBinding? kept = stage.KeptBinding(rows);
        OrtIoBinding binding = kept ?? stage.NewBinding();
        if (kept is null || stage.CopiesInputs)
        {
            buffers.Scored.BindInput(binding, StageNames.Residual, rows);
        }

        if (kept is null)
        {
            logits.BindOutput(binding, StageNames.Output, rows);
            buffers.Choices?.BindOutput(binding, StageNames.Choices, rows);
            stage.Keep(rows, binding);
        }

        stage.Run(binding);
    }
}
