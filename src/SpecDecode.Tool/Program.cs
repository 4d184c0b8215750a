using System.Runtime.InteropServices;
using System.Text;
using SpecDecode.Tool;

// Results are UTF-8 wherever they go; a Windows console has to be told.
if (OperatingSystem.IsWindows() && !Console.IsOutputRedirected)
{
    Console.OutputEncoding = Encoding.UTF8;
}

CancellationTokenSource interrupted = new();
bool isTerminated = false;
void Interrupt(PosixSignalContext signal)
{
    // The first ends the text and still prints it; the second ends the process.
    signal.Cancel = !interrupted.IsCancellationRequested;
    isTerminated |= signal.Cancel && signal.Signal == PosixSignal.SIGTERM;
    interrupted.Cancel();
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);

// Not disposed: what could not be written is told once, and not tried again.
StreamWriter output = new(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
try
{
    int exitCode = CommandLine.Run(args, output, Console.Error, interrupted.Token);
    return exitCode == CommandLine.Interrupted && isTerminated ? CommandLine.Terminated : exitCode;
}
catch (Exception error) when (error is IOException or UnauthorizedAccessException)
{
    // It could not be told: stderr is closed, too.
    return CommandLine.BadInput;
}
