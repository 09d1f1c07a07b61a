using System.Collections.Concurrent;

namespace LeadPipeline.Worker.Storage;

/// <summary>Lets one at a time through for each key, in this process. Costs nothing for keys that nobody waits for.</summary>
public class KeyedGate<TKey>
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, Entry> entries = new();

    /// <summary>Waits until the key is free; dispose what is returned to free it.</summary>
    public async Task<Pass> EnterAsync(TKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var entry = entries.GetOrAdd(key, static _ => new Entry());
            lock (entry)
            {
                if (entry.Gone)
                    continue;
                entry.Users++;
            }
            var pass = new Pass(this, key, entry);
            try
            {
                await entry.Gate.WaitAsync(cancellationToken);
            }
            catch
            {
                pass.Leave();
                throw;
            }
            return pass;
        }
    }

    /// <summary>The right to be the only one.</summary>
    public readonly struct Pass(KeyedGate<TKey> owner, TKey key, object entry) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose()
        {
            ((Entry)entry).Gate.Release();
            Leave();
        }

        internal void Leave()
        {
            var held = (Entry)entry;
            lock (held)
            {
                if (--held.Users > 0)
                    return;
                held.Gone = true;
            }
            _ = owner.entries.TryRemove(key, out _);
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);
        public int Users { get; set; }
        public bool Gone { get; set; }
    }
}
