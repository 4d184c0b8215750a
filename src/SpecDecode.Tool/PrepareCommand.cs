using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Models;

namespace SpecDecode.Tool;

/// <summary><c>specdecode prepare</c>: converts a checkpoint's weights ahead of time.</summary>
internal static class PrepareCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("prepare", "Convert a checkpoint's weights ahead of time, into the cache folder or a folder to ship.");
        Option<string> model = new("--model") { Description = "Checkpoint folder.", HelpName = "DIR", Required = true };
        Option<string?> target = new("--output")
        {
            Description = "Folder to make, which can be loaded and shipped in place of the checkpoint; it must not exist.",
            HelpName = "DIR",
        };
        Option<string?> cacheFolder = new("--cache-folder")
        {
            Description = "Folder for prepared weights without --output; by default 'specdecode' in the user's cache directory.",
            HelpName = "DIR",
        };
        command.Options.Add(model);
        PrecisionArguments precision = new(command, loads: false);
        Option<bool> verify = VerifyOption.Create();
        Option<bool> json = new("--json") { Description = "Print one JSON object in place of the path." };
        command.Options.Add(target);
        command.Options.Add(cacheFolder);
        command.Options.Add(verify);
        command.Options.Add(json);
        command.Validators.Add(result =>
        {
            if (result.GetResult(target) is not null && result.GetResult(cacheFolder) is not null)
            {
                result.AddError("--cache-folder has no effect with --output; give one of them.");
            }
        });
        command.SetAction(arguments =>
        {
            long start = Stopwatch.GetTimestamp();
            ModelOptions options = precision.Read(arguments, arguments.GetValue(cacheFolder));
            options.VerifyWeights = arguments.GetValue(verify);
            PreparedModel prepared = ModelPreparation.Prepare(
                arguments.GetValue(model)!, options, arguments.GetValue(target), new LoadProgressLine(error, TimeProvider.System), cancellationToken);
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            foreach (string warning in prepared.Warnings)
            {
                error.WriteLine($"specdecode: warning: {warning}");
            }

            if (arguments.GetValue(json))
            {
                JsonResult.Write(output, written =>
                {
                    written.WriteString("path", prepared.Path);
                    written.WriteNumber("bytes", prepared.Bytes);
                    written.WriteString("precision", PrecisionArguments.Name(prepared.Precision));
                    written.WriteString("head_precision", PrecisionArguments.Name(prepared.HeadPrecision));
                    written.WriteNumber("block_size", prepared.BlockSize);
                    written.WriteNumber("seconds", Math.Round(time.TotalSeconds, 3));
                });
            }
            else
            {
                output.WriteLine(prepared.Path);
                error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"specdecode: {prepared.Bytes / 1e6:f1} MB of weights in {time.TotalSeconds:f1} s"));
            }

            return CommandLine.Success;
        });
        return command;
    }
}
