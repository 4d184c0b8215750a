using System.Globalization;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Tool.Batch;

/// <summary>What holds for all lines.</summary>
/// <param name="Every">What holds where a line does not say, drafting included.</param>
/// <param name="Chat">Whether a prompt is wrapped in the chat template.</param>
/// <param name="Mark">Hash of the model and of what decides the texts.</param>
internal sealed record BatchSettings(GenerationRequest Every, bool Chat, uint Mark);

/// <summary>Texts for the lines of a file, as many at a time as the model takes on, each result written as soon as it is there.</summary>
internal sealed class BatchRun
{
    private readonly TextModel _model;
    private readonly BatchSettings _settings;
    private readonly BatchOutput _output;
    private readonly BatchProgress _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<long, Pending> _pending = [];
    private long _begun;

    private BatchRun(
        TextModel model, BatchSettings settings, BatchOutput output, BatchProgress progress, CancellationToken cancellationToken)
    {
        _model = model;
        _settings = settings;
        _output = output;
        _progress = progress;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Answers the lines that have no result yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="input">The lines, and how many there are; null where that is not known.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="settings">What holds for all lines.</param>
    /// <param name="error">Takes progress and what is said in the end.</param>
    /// <param name="isQuiet">Whether to leave out both.</param>
    /// <param name="cancellationToken">Ends it; what is finished is written.</param>
    /// <returns>The exit code.</returns>
    public static int Run(
        TextModel model, (BatchInput Lines, long? Total) input, BatchOutput output, BatchSettings settings, TextWriter error, bool isQuiet,
        CancellationToken cancellationToken)
    {
        BatchProgress progress = new(ProgressLine.Of(error, isQuiet), input.Total, output.Finished.Count, output.Finished.Errors, TimeProvider.System);
        BatchRun run = new(model, settings, output, progress, cancellationToken);
        bool isWhole = run.Run(input.Lines);
        string summary = progress.Summary();
        if (!isQuiet)
        {
            error.WriteLine($"specdecode: {summary}");
        }

        if (!isWhole)
        {
            error.WriteLine(output.CanGoOn
                ? $"specdecode: cancelled. The same command goes on with {output.Name}."
                : "specdecode: cancelled.");
            return CommandLine.Interrupted;
        }

        if (progress.Errors > 0)
        {
            error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"specdecode: {progress.Errors} of {progress.All} results have an error in place of a text: see \"error\" in them."));
            return CommandLine.BadInput;
        }

        return CommandLine.Success;
    }

    private bool Run(BatchInput input)
    {
        try
        {
            _model.GenerateEach(Requests(input), Write, _progress.Add, _cancellationToken);
            return !_cancellationToken.IsCancellationRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private IEnumerable<GenerationRequest> Requests(BatchInput input)
    {
        foreach (LineReader reader in input.Lines(_output))
        {
            ReadOnlyMemory<byte> utf8 = reader.Line;
            if (reader.Number == 1 && utf8.Span.StartsWith("\uFEFF"u8))
            {
                utf8 = utf8[3..];
            }

            BatchLine? line = reader.IsTooLong ? null : BatchLine.Parse(utf8, _settings.Every);
            Pending pending = new(reader.Number, BatchRecord.Hash(reader), line?.Id, line is null ? null : Drawn(line.Request.Sampling!));
            string? error = line is null
                ? string.Create(CultureInfo.InvariantCulture, $"It has more than {LineReader.MaxBytes >> 20} MB: shorten the line.")
                : line.Error;
            if (error is not null)
            {
                WriteError(pending, null, error);
                continue;
            }

            _pending.Add(_begun++, pending);
            yield return Request(line!.Request, pending.Sampling!);
        }
    }

    // What is drawn is written down, so that every text can be made again.
    private static SamplingOptions Drawn(SamplingOptions sampling) => SamplingArguments.WithSeed(sampling);

    private GenerationRequest Request(GenerationRequest line, SamplingOptions sampling) => line with
    {
        Prompt = IsConversation(line) ? null : line.Prompt,
        Messages = IsConversation(line) ? [new ChatMessage("user", line.Prompt!)] : line.Messages,
        Sampling = sampling,
    };

    private bool IsConversation(GenerationRequest line) => _settings.Chat && line.Prompt is not null;

    private void Write(long number, GenerationResult result)
    {
        _pending.Remove(number, out Pending? pending);
        if (result.FinishReason == FinishReason.Cancelled)
        {
            return;
        }

        if (result.Error is { } error)
        {
            WriteError(pending!, result, error is ArgumentException refused ? RequestArguments.Refusal(refused).Message : error.Message);
            return;
        }

        _output.Write(JsonResult.Line(json =>
        {
            pending!.WriteBeginning(json);
            json.WriteNumber("prompt_tokens", result.PromptTokens);
            WriteText(json, result);
            if (result.Choices.Count > 0)
            {
                json.WriteStartArray("choices");
                foreach (GenerationResult choice in result.Choices)
                {
                    json.WriteStartObject();
                    WriteText(json, choice);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            pending.WriteEnd(json, _settings.Mark);
        }));
        _progress.Add(result, isError: false);
    }

    private static void WriteText(Utf8JsonWriter json, GenerationResult result)
    {
        json.WriteNumber("output_tokens", result.Tokens.Count);
        if (result.Text is null)
        {
            json.WriteNumbers("tokens", result.Tokens);
        }

        json.WriteString("text", result.Text);
        json.WriteEnd(result);
        json.WriteLogProbabilities(result);
    }

    private void WriteError(Pending pending, GenerationResult? result, string error)
    {
        _output.Write(JsonResult.Line(json =>
        {
            pending.WriteBeginning(json);
            json.WriteString("error", error);
            pending.WriteEnd(json, _settings.Mark);
        }));
        _progress.Add(result, isError: true);
    }

    /// <summary>A line that has been begun.</summary>
    private sealed record Pending(long Line, ulong Input, JsonElement? Id, SamplingOptions? Sampling)
    {
        public void WriteBeginning(Utf8JsonWriter json)
        {
            json.WriteNumber("line", Line);
            if (Id is { } id)
            {
                json.WritePropertyName("id");
                id.WriteTo(json);
            }
        }

        public void WriteEnd(Utf8JsonWriter json, uint mark)
        {
            if (Sampling?.Seed is { } seed)
            {
                json.WriteNumber("seed", seed);
            }

            json.WriteString("input", Input.ToString("x16", CultureInfo.InvariantCulture));
            json.WriteString("options", mark.ToString("x8", CultureInfo.InvariantCulture));
        }
    }
}
