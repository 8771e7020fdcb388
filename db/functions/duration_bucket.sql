-- Durations are counted in buckets that grow by a fourth root of two: bucket 0 holds what takes up to 10 ms, bucket n what
-- takes up to 10 ms · 2^(n/4), and bucket 80 (nearly three hours) all that is longer. A quantile read from them is off by
-- less than a bucket's width, 19 %, and interpolation brings it to a few per cent where a bucket is evenly filled.
create or replace function app_private.duration_bucket(p_duration interval) returns smallint
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  -- In doubles: the logarithm of a numeric took most of the time of counting a run. Rounded, so that a bound is in its bucket.
  select least(greatest(ceil(round(
    (4 * ln(greatest(extract(epoch from p_duration)::double precision, 0.001) / 0.01) / ln(2::double precision))::numeric, 6)), 0), 80)::smallint;
$$;

-- The duration under which a share of runs stayed. p_buckets and p_runs: which buckets, in their order, hold how many.
create or replace function app_private.duration_quantile(p_buckets smallint[], p_runs numeric[], p_share double precision)
returns interval
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wanted double precision := p_share * (select sum(n) from unnest(p_runs) n);
  v_before double precision := 0;
begin
  for i in 1 .. cardinality(p_buckets) loop
    if v_before + p_runs[i] >= v_wanted then
      -- By the logarithm, as the buckets grow.
      return make_interval(secs => 0.01 * 2 ^ ((p_buckets[i] - 1 + (v_wanted - v_before) / p_runs[i]) / 4.0));
    end if;
    v_before := v_before + p_runs[i];
  end loop;
  return null;
end
$$;
