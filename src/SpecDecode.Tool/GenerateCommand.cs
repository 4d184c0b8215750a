using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Tool.Batch;

namespace SpecDecode.Tool;

/// <summary><c>specdecode generate</c>: continues a prompt.</summary>
internal static class GenerateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("generate", "Continue a prompt and print the new text.");
        ModelArguments model = new(command, generates: true, keepsPrefixes: true);
        Option<string?> prompt = new("--prompt")
        {
            Description = "Text to continue, encoded as the tokenizer's post-processor says (BOS).",
            HelpName = "TEXT",
        };
        Option<string?> promptFile = new("--prompt-file")
        {
            Description = "The same from a file of UTF-8, to its last byte; - is standard input.",
            HelpName = "FILE",
        };
        Option<int[]?> tokens = ListOption.Tokens("--tokens", "Token ids to continue, used exactly as given.");
        Option<bool> chat = new("--chat") { Description = "Wrap the prompt in the model's chat template, as what a user says." };
        Option<int?> maxTokens = NumberOption.Optional(
            "--max-tokens", "N", $"New tokens after which the text ends; by default {GenerationDefaults.DefaultMaxTokens}.");
        Option<bool> ignoreEos = new("--ignore-eos") { Description = "Go on after an end-of-sequence token." };
        SamplingArguments sampling = new(command);
        RequestArguments rules = new(command);
        DraftArguments draft = new(command);
        BatchArguments batch = new(command);
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the text." };
        Option<bool> quiet = QuietOption.Create("Show neither progress nor speed on stderr.");
        command.Options.Add(prompt);
        command.Options.Add(promptFile);
        command.Options.Add(tokens);
        command.Options.Add(chat);
        command.Options.Add(maxTokens);
        command.Options.Add(ignoreEos);
        command.Options.Add(json);
        command.Options.Add(quiet);
        command.Validators.Add(result =>
        {
            if (new[] { prompt, promptFile, tokens, batch.Prompts }.Count(option => result.GetResult(option) is not null) != 1)
            {
                result.AddError("Give one of --prompt, --prompt-file, --tokens and --prompts.");
                model.Require(result);
            }

            if (result.GetValue(chat) && result.GetResult(tokens) is not null)
            {
                result.AddError("--chat wraps a prompt; token ids are used exactly as given.");
            }

            batch.Check(result, json);
            rules.Check(result, json, batch.Prompts);
        });
        command.SetAction(arguments =>
        {
            bool isQuiet = arguments.GetValue(quiet);
            GenerationRequest every = rules.Read(arguments, new GenerationRequest
            {
                MaxTokens = arguments.GetValue(maxTokens) ?? GenerationDefaults.DefaultMaxTokens,
                IgnoreEndOfSequence = arguments.GetValue(ignoreEos),
                Sampling = sampling.Read(arguments),
            }, cancellationToken);
            if (arguments.GetResult(batch.Prompts) is not null)
            {
                return batch.Run(arguments, model, draft, arguments.GetValue(chat), every, output, error, isQuiet, cancellationToken);
            }

            string? text = arguments.GetValue(promptFile) is { } single ? InputFile.ReadWhole(single, cancellationToken) : arguments.GetValue(prompt);
            draft.CheckProfile(arguments);
            long start = Stopwatch.GetTimestamp();
            using TextModel loaded = model.Load(arguments, error, isQuiet, cancellationToken, draft: draft);
            TimeSpan loadTime = Stopwatch.GetElapsedTime(start);
            bool asks = arguments.GetValue(chat);
            if (asks && loaded.Tokenizer is null)
            {
                throw new SpecDecodeException("The model has no tokenizer that can be used, so --chat has no effect: give --tokens.");
            }

            GenerationRequest request = every with
            {
                Prompt = asks ? null : text,
                Messages = asks ? [new ChatMessage("user", text!)] : null,
                Tokens = arguments.GetResult(tokens) is null ? null : arguments.GetValue(tokens),
                Sampling = SamplingArguments.WithSeed(every.Sampling!),
                Drafting = draft.Read(arguments, loaded, error),
            };
            GenerationResult result;
            try
            {
                result = arguments.GetValue(json) ? loaded.Generate(request, cancellationToken: cancellationToken) : Stream(output, loaded, request, cancellationToken);
            }
            catch (ArgumentException refused)
            {
                throw RequestArguments.Refusal(refused);
            }

            if (arguments.GetValue(json))
            {
                WriteJson(output, result, request.Sampling, loadTime);
            }
            else
            {
                output.Flush();
                if (!isQuiet)
                {
                    error.WriteLine($"specdecode: {Speed(result, request.Sampling)}");
                }
            }

            return result.FinishReason == FinishReason.Cancelled ? CommandLine.Interrupted : CommandLine.Success;
        });
        return command;
    }

    // The text as it is written, or the ids where the model has no tokenizer for text; several texts when all have ended.
    private static GenerationResult Stream(TextWriter output, TextModel model, GenerationRequest request, CancellationToken cancellationToken)
    {
        if (model.Tokenizer is null || request.Choices > 1 || request.BestOf > 1)
        {
            GenerationResult result = model.Generate(request, cancellationToken: cancellationToken);
            IReadOnlyList<GenerationResult> choices = result.Choices.Count > 0 ? result.Choices : [result];
            for (int i = 0; i < choices.Count; i++)
            {
                if (choices.Count > 1)
                {
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{i + 1}."));
                }

                output.WriteLine(choices[i].Text ?? string.Join(',', choices[i].Tokens.Select(token => token.ToString(CultureInfo.InvariantCulture))));
            }

            return result;
        }

        GenerationResult written = model.Stream(
            request,
            update =>
            {
                output.Write(update.Text);
                output.Flush();
            },
            cancellationToken);
        output.WriteLine();
        return written.Error is null ? written
            : throw (written.Error as SpecDecodeException ?? new SpecDecodeException($"The model failed after {written.Tokens.Count} new tokens: {written.Error.Message.Trim()}", written.Error));
    }

    // One line: how much, how fast, and what drafting and drawing did for it.
    private static string Speed(GenerationResult result, SamplingOptions sampling)
    {
        List<FormattableString> parts = [$"{result.Tokens.Count} tokens"];
        if (result.TokensPerSecond is { } speed)
        {
            parts.Add($"{speed:f1} tokens/s");
        }

        if (result.Drafting.AcceptanceRate is { } rate)
        {
            parts.Add($"accepted {rate:p0} of {result.Drafting.Drafted} drafted, {result.Drafting.MeanAcceptanceLength:f2} tokens a round");
        }

        if (sampling.Seed is { } seed)
        {
            parts.Add($"seed {seed}");
        }

        return string.Join(", ", parts.Select(FormattableString.Invariant));
    }

    private static void WriteJson(TextWriter output, GenerationResult result, SamplingOptions sampling, TimeSpan loadTime) => JsonResult.Write(output, json =>
    {
        WriteText(json, result, sampling, loadTime);
        if (result.Choices.Count > 0)
        {
            json.WriteStartArray("choices");
            foreach (GenerationResult choice in result.Choices)
            {
                json.WriteStartObject();
                WriteText(json, choice, sampling, null);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }
    });

    private static void WriteText(Utf8JsonWriter json, GenerationResult result, SamplingOptions sampling, TimeSpan? loadTime)
    {
        json.WriteNumber("prompt_tokens", result.PromptTokens);
        if (result.CachedPromptTokens > 0)
        {
            json.WriteNumber("cached_prompt_tokens", result.CachedPromptTokens);
        }

        json.WriteNumbers("tokens", result.Tokens);
        json.WriteString("text", result.Text);
        json.WriteEnd(result);
        json.WriteLogProbabilities(result);
        if (sampling.Seed is { } seed)
        {
            json.WriteNumber("seed", seed);
        }
        else
        {
            json.WriteNull("seed");
        }

        json.WriteString("acceptance", SamplingArguments.Name(sampling.EffectiveAcceptance));
        json.WriteNumberOrNull("tokens_per_second", result.TokensPerSecond);
        if (loadTime is { } time)
        {
            json.WriteNumber("load_seconds", Seconds(time));
        }

        json.WriteNumber("prefill_seconds", Seconds(result.PrefillTime));
        json.WriteNumber("decode_seconds", Seconds(result.DecodeTime));
        json.WriteNumber("rounds", result.Drafting.Rounds);
        json.WriteNumber("drafted", result.Drafting.Drafted);
        json.WriteNumber("accepted", result.Drafting.Accepted);
        json.WriteNumbers("accepted_per_position", result.Drafting.AcceptedPerPosition);
        json.WriteNumber("mean_acceptance_length", Math.Round(result.Drafting.MeanAcceptanceLength, 4));
        json.WriteNumberOrNull("acceptance_rate", result.Drafting.AcceptanceRate);
    }

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 6);
}
