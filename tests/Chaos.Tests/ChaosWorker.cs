namespace LeadPipeline.Chaos.Tests;

/// <summary>A worker's place: whoever stands in it can be killed, and another one takes it, as an orchestrator sees to it.</summary>
internal sealed class ChaosWorker(string folder, IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
{
    private readonly List<string> died = [];
    private RunningWorker? running;

    /// <summary>A place in which a worker stands that somebody else has started and will end.</summary>
    public static ChaosWorker Of(RunningWorker worker) => new("", new Dictionary<string, string>()) { running = worker };

    /// <summary>Who stands there now; null: nobody yet.</summary>
    public RunningWorker? Running => running;

    /// <summary>Workers that ended by themselves, with the end of what they said.</summary>
    public IReadOnlyList<string> Died => died;

    /// <summary>The longest time that a worker took to stop when it was asked to.</summary>
    public TimeSpan LongestStop { get; private set; }

    /// <summary>Puts a worker there, without waiting for it to be ready.</summary>
    public void Start() => running = RunningWorker.Start(folder, settings);

    /// <summary>Puts another one there if the one before has ended by itself: it found no server at its start, or it broke.</summary>
    public async Task SeeAsync()
    {
        if (running is not { Process.HasExited: true } gone)
            return;
        var said = gone.Process.Errors is [.., var last] ? last : "";
        died.Add($"exit code {gone.Process.ExitCode}: {said[..Math.Min(said.Length, 300)]}");
        Start();
        await gone.DisposeAsync();
    }

    /// <summary>Whether the one who stands there takes leads.</summary>
    public async Task<bool> IsReadyAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            using var answer = await running!.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), limit.Token);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    public async Task KillAsync()
    {
        await SeeAsync();
        var killed = running!;
        killed.Process.Kill();
        Start();
        await killed.DisposeAsync();
    }

    public async Task StopAsync()
    {
        await SeeAsync();
        var stopped = running!;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            _ = await stopped.Process.StopAsync(TimeSpan.FromSeconds(90));
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in this moment.
        }
        if (watch.Elapsed > LongestStop)
            LongestStop = watch.Elapsed;
        Start();
        await stopped.DisposeAsync();
    }

    public async Task FreezeAsync(TimeSpan time)
    {
        await SeeAsync();
        var frozen = running!.Process;
        try
        {
            frozen.Pause();
            await Task.Delay(time);
            frozen.Resume();
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in this moment.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (running is not null)
            await running.DisposeAsync();
    }
}
