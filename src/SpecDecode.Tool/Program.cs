using SpecDecode.Tool;

using CancellationTokenSource interrupted = new();
Console.CancelKeyPress += (_, press) =>
{
    // The first Ctrl+C ends the text and still prints it; the second ends the process.
    press.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
};
return CommandLine.Run(args, Console.Out, Console.Error, interrupted.Token);
