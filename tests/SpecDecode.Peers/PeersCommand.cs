using System.CommandLine;
using SpecDecode.Peers.Engines;

namespace SpecDecode.Peers;

/// <summary>The measurement's options.</summary>
internal static class PeersCommand
{
    private const string Defaults = "fp32,int8,int4";
    private const string Precisions = "stored,fp32,bf16,fp16,int8,int4";

    /// <summary>The program's command.</summary>
    public static RootCommand Create()
    {
        Option<string> model = new("--model") { Required = true, Description = "Folder of a plain Llama checkpoint.", HelpName = "FOLDER" };
        Option<string> precisions = new("--precision")
        {
            DefaultValueFactory = _ => Defaults,
            Description = "By commas: stored, fp32, bf16, fp16, int8, int4. SpecDecode runs each; llama.cpp F32, BF16, F16, Q8_0 and Q4_0, and stored as the one of the first three in which the checkpoint has its matrices; GenAI fp32, int8 and int4, and is left out of the others, which ONNX Runtime does not take on the CPU.",
            HelpName = "LIST",
        };
        Option<int> threads = Number("--threads", 2, 1, "Threads that compute, of each engine.");
        Option<int> rounds = Number("--rounds", 7, 1, "How often each engine has its turn.");
        Option<int> promptTokens = Number("--prompt-tokens", 32, 1, "Tokens of the prompt.");
        Option<int> tokens = Number("--tokens", 128, 2, "New tokens of each text.");
        Option<string> work = new("--work")
        {
            DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "specdecode-peers"),
            Description = "Folder where the model is kept as the engines read it, for further runs.",
            HelpName = "FOLDER",
        };
        Option<string?> tool = new("--specdecode") { Description = "The command specdecode, whose start is measured too; by default the one that is built here.", HelpName = "FILE" };
        RootCommand command = new("This library beside llama.cpp and ONNX Runtime GenAI, on the same weights in turns: plain greedy decoding of one text, and the start.")
        {
            model, precisions, threads, rounds, promptTokens, tokens, work, tool,
        };
        precisions.Validators.Add(result =>
        {
            foreach (string word in result.GetValueOrDefault<string>()!.Split(','))
            {
                if (!Precisions.Split(',').Contains(word))
                {
                    result.AddError($"--precision: '{word}' is none of {Precisions}.");
                }
            }
        });
        command.Subcommands.Add(EngineCommand.Create());
        command.SetAction(arguments => new Measurement
        {
            Model = Path.GetFullPath(arguments.GetValue(model)!),
            Precisions = [.. arguments.GetValue(precisions)!.Split(',').Select(word => Enum.Parse<Precision>(word, ignoreCase: true))],
            Threads = arguments.GetValue(threads),
            Rounds = arguments.GetValue(rounds),
            PromptTokens = arguments.GetValue(promptTokens),
            Tokens = arguments.GetValue(tokens),
            Work = Path.GetFullPath(arguments.GetValue(work)!),
            Tool = arguments.GetValue(tool) ?? ToolProcess.Find(),
        }.Run());
        return command;
    }

    private static Option<int> Number(string name, int value, int lowest, string description)
    {
        Option<int> option = new(name) { DefaultValueFactory = _ => value, Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() < lowest)
            {
                result.AddError($"{name} is {result.GetValueOrDefault<int>()}: give {lowest} or more.");
            }
        });
        return option;
    }
}
