using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace LeadPipeline.TestKit;

/// <summary>The built worker as a process of its own, so that a test can do to it what an operator or a power cut would.</summary>
public sealed class WorkerProcess : IAsyncDisposable
{
    // As Linux numbers them.
    private const int SigStop = 19;
    private const int SigTerm = 15;
    private const int SigCont = 18;

    // The worker gets nothing else of the machine's environment: a developer's credentials must never reach a test.
    private static readonly string[] Inherited =
        ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64", "DOTNET_CLI_HOME"];

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private static int lastPort = Random.Shared.Next(10_000);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private WorkerProcess(Process process) => _process = process;

    /// <summary>The operating system's id of the process.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the process is gone.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The exit code of a process that is gone. After SIGKILL: 137.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The lines printed so far to standard output.</summary>
    public IReadOnlyList<string> Output => [.. _output];

    /// <summary>The lines printed so far to standard error.</summary>
    public IReadOnlyList<string> Errors => [.. _errors];

    /// <summary>Starts <c>leadpipeline</c> with these arguments, these variables and little else.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="environment">The variables.</param>
    /// <param name="workingDirectory">Where. Default: the folder for temporary files.</param>
    /// <param name="program">Another program in its place, an assembly.</param>
    /// <param name="input">What stands in its standard input, which stays open after that; null: nothing, and it is closed.</param>
    public static WorkerProcess Start(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? workingDirectory = null, string? program = null, string? input = null)
    {
        var start = new ProcessStartInfo("dotnet", [program ?? FindProgram(), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = workingDirectory ?? Path.GetTempPath(),
        };
        var kept = Inherited.Select(name => (name, value: Environment.GetEnvironmentVariable(name))).Where(v => v.value is not null).ToList();
        start.Environment.Clear();
        foreach (var (name, value) in kept)
            start.Environment[name] = value;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        var worker = new WorkerProcess(new Process { StartInfo = start });
        worker._process.OutputDataReceived += (_, line) => Keep(worker._output, line.Data);
        worker._process.ErrorDataReceived += (_, line) => Keep(worker._errors, line.Data);
        worker._process.Start();
        if (input is null)
            worker._process.StandardInput.Close();
        else
        {
            worker._process.StandardInput.Write(input);
            worker._process.StandardInput.Flush();
        }
        worker._process.BeginOutputReadLine();
        worker._process.BeginErrorReadLine();
        return worker;
    }

    /// <summary>A loopback port that nobody listens on at this moment, and that this process has given out to nobody yet.</summary>
    public static int FreePort()
    {
        // Below those that the system gives out by itself: one of those may be somebody else's by the time that it is used.
        const int First = 10_000, Count = 10_000;
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref lastPort) % Count);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
    }

    /// <summary>Returns when <c>/health/ready</c> under this address answers 200; throws at once if the worker ends.</summary>
    public Task UntilReadyAsync(Uri address, TimeSpan? timeout = null) =>
        UntilAsync(async () =>
        {
            using var response = await Http.GetAsync(new Uri(address, "/health/ready"));
            return response.StatusCode == HttpStatusCode.OK;
        }, $"be ready at {address}", timeout);

    /// <summary>Returns when a line that contains this text has been printed; throws at once if the worker ends.</summary>
    public Task UntilPrintedAsync(string text, TimeSpan? timeout = null) =>
        UntilAsync(() => Task.FromResult(_output.Concat(_errors).Any(line => line.Contains(text, StringComparison.Ordinal))), $"print '{text}'", timeout);

    /// <summary>Waits for the process to end by itself and answers its exit code, with all its output read.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan? timeout = null)
    {
        var limit = timeout ?? Eventually.Patience;
        using var cancellation = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The worker is still there after {limit.TotalSeconds:0.#} s.\n{Transcript()}");
        }

        return _process.ExitCode;
    }

    /// <summary>Asks the worker to stop (SIGTERM) and answers its exit code; throws if it takes longer than it may.</summary>
    public Task<int> StopAsync(TimeSpan? timeout = null)
    {
        Signal(SigTerm);
        return WaitForExitAsync(timeout);
    }

    /// <summary>Ends the worker as a power cut would (SIGKILL), and returns when it is gone.</summary>
    public void Kill()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>Freezes the worker (SIGSTOP): it keeps its connections and does nothing.</summary>
    public void Pause() => Signal(SigStop);

    /// <summary>Lets a frozen worker go on (SIGCONT).</summary>
    public void Resume() => Signal(SigCont);

    /// <summary>All that was printed, for the message of a failing test.</summary>
    public string Transcript() => string.Join('\n', ["--- output", .. _output, "--- errors", .. _errors]);

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            Kill();

        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    // The worker's own output folder, built for the same configuration as the tests; beside the tests there is only a
    // copy of its assemblies, without the files that it serves. The variable names another build: the bench measures what is published.
    private static string FindProgram()
    {
        if (Environment.GetEnvironmentVariable("LEADPIPELINE_WORKER") is { Length: > 0 } named)
            return named;
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var path = Repository.PathOf($"src/Worker/bin/{output.Parent!.Name}/{output.Name}/leadpipeline.dll");
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"The worker is not built: there is no '{path}'. Run 'dotnet build' on the solution.", path);
    }

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
            lines.Enqueue(line);
    }

    private async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan? timeout)
    {
        var ended = false;
        try
        {
            await Eventually.ShouldAsync(async () =>
            {
                // Asked first, so that what it printed last still counts.
                ended = _process.HasExited;
                if (ended)
                    await _process.WaitForExitAsync();

                return await AskAsync(condition) || ended;
            }, what, timeout);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message}\n{Transcript()}", exception);
        }

        if (ended && !await AskAsync(condition))
            throw new InvalidOperationException($"The worker should {what}, but ended with exit code {ExitCode}.\n{Transcript()}");
    }

    private static async Task<bool> AskAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    private void Signal(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0)
            throw new InvalidOperationException($"Signal {signal} cannot be sent to the worker, pid {_process.Id}. {(HasExited ? "It has ended." : "")}\n{Transcript()}");
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int pid, int signal);
}
