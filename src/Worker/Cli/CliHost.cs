using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Cli;

/// <summary>A host for the time of one verb. It is ended asynchronously, because its parts have loops to end.</summary>
internal sealed class CliHost(IHost host) : IAsyncDisposable
{
    /// <summary>The parts.</summary>
    public IServiceProvider Services => host.Services;

    /// <summary>The leads, once it is sure that there are tables to read.</summary>
    public async Task<LeadQueries> LeadsAsync(CancellationToken cancellationToken)
    {
        await Services.GetRequiredService<DatabaseStart>().RunAsync(cancellationToken);
        return Services.GetRequiredService<LeadQueries>();
    }

    /// <summary>What may be done with leads, once it is sure that there are tables.</summary>
    public async Task<LeadOperations> OperationsAsync(CancellationToken cancellationToken)
    {
        await Services.GetRequiredService<DatabaseStart>().RunAsync(cancellationToken);
        return Services.GetRequiredService<LeadOperations>();
    }

    /// <summary>Starts the services of the host.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => host.StartAsync(cancellationToken);

    /// <summary>Stops them; what is under way is finished first.</summary>
    public Task StopAsync() => host.StopAsync(CancellationToken.None);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ((IAsyncDisposable)host).DisposeAsync();
}
