using System.Runtime.InteropServices;
using System.Text;
using SpecDecode.Tool;

// Results are UTF-8 wherever they go; a Windows console has to be told.
if (OperatingSystem.IsWindows() && !Console.IsOutputRedirected)
{
    Console.OutputEncoding = Encoding.UTF8;
}

CancellationTokenSource interrupted = new();
void Interrupt(PosixSignalContext signal)
{
    // The first ends the text and still prints it; the second ends the process.
    signal.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
using StreamWriter output = new(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
int exitCode = CommandLine.Run(args, output, Console.Error, interrupted.Token);
try
{
    output.Flush();
}
catch (IOException)
{
    // Whoever read the result has gone.
}

return exitCode;
