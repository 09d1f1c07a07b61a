using System.Text;
using LeadPipeline.Worker.Grounding.Values;

namespace LeadPipeline.Worker.Tests.Evidence;

public sealed class DataFilesTests
{
    [TestCase("free-email-domains.txt")]
    [TestCase("disposable-email-domains.txt")]
    public void Domains_stand_in_byte_order_once_each(string file)
    {
        var lines = Encoding.UTF8.GetString(EmbeddedData.Bytes(file)).TrimEnd('\n').Split('\n');

        Assert.That(lines, Is.EqualTo(lines.Distinct().Order(StringComparer.Ordinal)), "run LC_ALL=C sort -u");
        Assert.That(lines, Has.All.Match("^[a-z0-9-]+(\\.[a-z0-9-]+)+$"));
    }

    [Test]
    public void No_domain_is_both_free_and_disposable()
    {
        Assert.That(EmbeddedData.Lines("free-email-domains.txt").Intersect(EmbeddedData.Lines("disposable-email-domains.txt")), Is.Empty);
    }

    [Test]
    public void Each_name_of_a_country_stands_for_one_country()
    {
        var countries = EmbeddedData.Lines("countries.txt").Select(line => line.Split(';')).ToList();

        var shared = countries.SelectMany(c => c.Select(TextFold.Fold).Distinct()).GroupBy(name => name).Where(g => g.Count() > 1).Select(g => g.Key);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shared, Is.Empty);
            Assert.That(countries.Select(c => (c[0].Length, c[1].Length)), Has.All.EqualTo((2, 3)));
            Assert.That(countries, Has.Count.EqualTo(250), "249 of the standard, and XK");
        }
    }

    [TestCase("Deutschland", "de")]
    [TestCase("usa", "us")]
    [TestCase("日本", "jp")]
    [TestCase("Congo", "congo")]
    public void A_name_becomes_its_code_unless_it_is_ambiguous(string name, string code)
    {
        Assert.That(Countries.Canonical(TextFold.Fold(name)), Is.EqualTo(code));
    }
}
