barrier;
