using System.CommandLine;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tool;

/// <summary><c>specdecode logits</c>: what the model, or a part of its blocks, makes of a sequence.</summary>
internal static class LogitsCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("logits", "Print the logits at the last position and the best token at each, as JSON.");
        ModelArguments model = new(command);
        Option<int[]?> tokens = ListOption.Tokens("--tokens", "The sequence's token ids, used exactly as given.");
        tokens.Required = true;
        Option<int?> exitLayer = NumberOption.Optional("--exit-layer", "E", "Run layers 0 to E - 1, then final norm and head.");
        Option<int[]?> skipAttention = ListOption.Layers("--skip-attention", "Layers whose attention adds nothing, from 0: 3,5-7.");
        Option<int[]?> skipMlp = ListOption.Layers("--skip-mlp", "Layers whose MLP adds nothing, from 0: 3,5-7.");
        command.Options.Add(tokens);
        command.Options.Add(exitLayer);
        command.Options.Add(skipAttention);
        command.Options.Add(skipMlp);
        command.Validators.Add(result =>
        {
            if (result.GetResult(exitLayer) is not null && (result.GetResult(skipAttention) is not null || result.GetResult(skipMlp) is not null))
            {
                result.AddError("Give either --exit-layer or layers to skip, and not both.");
            }
        });
        command.SetAction(arguments =>
        {
            using TextModel loaded = model.Load(arguments, error, isQuiet: false, cancellationToken);
            LayerPlan plan = PlanArguments.Read(
                loaded.LayerCount, arguments.GetValue(exitLayer), arguments.GetValue(skipAttention) ?? [], arguments.GetValue(skipMlp) ?? []);
            LogitsResult result = loaded.Evaluate(arguments.GetValue(tokens)!, plan, cancellationToken);
            JsonResult.Write(output, json =>
            {
                json.WriteStartArray("logits_last");
                foreach (float logit in result.LastLogits)
                {
                    json.WriteNumberValue(logit);
                }

                json.WriteEndArray();
                json.WriteNumbers("argmax_per_position", result.ArgMaxPerPosition);
            });
            return CommandLine.Success;
        });
        return command;
    }
}
